// <consent-preferences purpose="…" language="…">: asks for one purpose, on any site that the
// catalogue names. Sets no cookie, loads nothing, blocks nothing. It keeps one thing, a random
// id in the site's own storage, and that only once somebody has answered. docs/embedding.md
(() => {
  "use strict";
  const service = new URL(document.currentScript.src).origin;
  const KEY = "consent-device";
  let unkept = null; // where the browser lets nothing be stored: good until the page is left

  const kept = () => {
    try { return localStorage.getItem(KEY) || unkept; } catch { return unkept; }
  };
  const keep = () => {
    const random = crypto.getRandomValues(new Uint8Array(24));
    unkept = Array.from(random, (each) => each.toString(16).padStart(2, "0")).join("");
    try { localStorage.setItem(KEY, unkept); } catch { /* kept above */ }
    return unkept;
  };
  const ask = async (path, body) => {
    const reply = await fetch(service + "/v1/widget/" + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    if (!reply.ok) throw reply.status;
    return reply.json();
  };
  const make = (name, more = {}, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(more)) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...inside);
    return made;
  };

  const look = new CSSStyleSheet();
  look.replaceSync(`
:host { display: block; margin-block: 1rem; color-scheme: light dark; --ink: var(--consent-ink, light-dark(#1a2226, #e9edec));
  --quiet: var(--consent-quiet, light-dark(#525d65, #a9b3b8)); --paper: var(--consent-paper, light-dark(#fff, #182127));
  --line: var(--consent-line, light-dark(#7b868d, #84929a)); --accent: var(--consent-accent, light-dark(#1b5e57, #3cc1b2));
  --on: var(--consent-on-accent, light-dark(#fff, #10181c)); --edge: var(--consent-edge, .5rem); }
:host([hidden]) { display: none; }
section { padding: 1.25rem; border: 1px solid var(--line); border-radius: var(--edge); background: var(--paper);
  color: var(--ink); font: var(--consent-font, 1rem/1.55 system-ui, sans-serif); overflow-wrap: anywhere; }
:lang(ar) { line-height: 1.8; }
* { box-sizing: border-box; }
p, h2, h3 { margin: 0 0 .625rem; }
.title { font-size: 1.1875rem; line-height: 1.3; font-weight: 650; }
.quiet { color: var(--quiet); font-size: .9375rem; }
fieldset { min-inline-size: 0; margin: 1rem 0; padding: 0; border: 0; }
legend { padding: 0 0 .375rem; font-weight: 600; }
.picks { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; max-inline-size: 22rem; }
.pick { display: flex; align-items: center; gap: .5rem; min-block-size: 2.75rem; padding: .375rem .875rem;
  border: 1px solid var(--line); border-radius: var(--edge); cursor: pointer; }
.pick input { flex: none; inline-size: 1.25rem; block-size: 1.25rem; margin: 0; accent-color: var(--accent); }
.pick:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); font-weight: 650; }
fieldset .quiet { margin: .375rem 0 0; }
summary { inline-size: fit-content; min-block-size: 1.75rem; color: var(--accent); cursor: pointer; font-weight: 550; }
details p { margin-block: .375rem; }
.acts { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-block-start: 1rem; }
button { min-block-size: 2.75rem; padding: .5rem 1.125rem; border: 2px solid var(--accent); border-radius: var(--edge);
  background: var(--accent); color: var(--on); font: inherit; font-weight: 650; cursor: pointer; }
button.second { background: transparent; color: var(--accent); }
.said { margin: .75rem 0 0; font-weight: 600; }
.said:empty { display: none; }
:focus-visible, .pick:has(:focus-visible) { outline: 3px solid var(--consent-focus, light-dark(#b45309, #ffb95c)); outline-offset: 2px; }
.pick :focus-visible { outline: none; }
`);

  class Preferences extends HTMLElement {
    static observedAttributes = ["purpose", "language"];
    #turn = 0;
    #shown = null;
    #begun = false; // attributes come one by one before the element does

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [look];
    }
    connectedCallback() { this.#begun = true; this.refresh(); }
    attributeChangedCallback() { if (this.#begun && this.isConnected) this.refresh(); }

    get purpose() { return this.getAttribute("purpose") || ""; }
    get language() {
      const near = this.closest("[lang]");
      return this.getAttribute("language") || (near && near.lang) || navigator.language;
    }
    /** What was shown last: {purpose, answers: {channel: "yes" | "no" | null}}; null before. */
    get choices() { return this.#shown && told(this.#shown); }

    /** Shows the purpose anew. Where that fails, nothing is shown and nothing counts as a yes. */
    async refresh(said = "") {
      const turn = ++this.#turn, device = kept();
      const body = { purpose: this.purpose, language: this.language };
      try {
        const found = await ask("look", device ? { ...body, device } : body);
        if (turn === this.#turn) this.#show(found, said && found.words[said]);
      } catch (why) {
        if (turn !== this.#turn) return;
        this.shadowRoot.replaceChildren();
        this.#tell("consent-error", { purpose: this.purpose, status: why > 0 ? why : 0 });
      }
    }

    /** Forgets who this browser is: the next answer is somebody new's. */
    forget() {
      unkept = null;
      try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
      return this.refresh();
    }

    #tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    }

    #show(found, said, focus) {
      const { words } = found;
      this.#shown = found;
      const form = make("form", { novalidate: true });
      form.append(...found.uses.map((use, at) => use.asked ? this.#ask(use, at, words)
        : make("p", { class: "quiet" }, [use.label, use.state].filter(Boolean).join(": "))));
      const status = make("p", { class: "said", role: "status", tabindex: "-1" });
      const acts = make("div", { class: "acts" });
      if (found.uses.some((use) => use.asked)) acts.append(make("button", {}, words.save));
      if (found.anonymous) {
        const tie = make("button", { type: "button", class: "second" }, words.keep);
        tie.addEventListener("click", () => this.#tie(status, words));
        acts.append(tie);
      }
      form.append(acts, status);
      form.addEventListener("submit", (event) => { event.preventDefault(); this.#save(form, status); });
      const notice = make("details", {}, make("summary", {}, words.all),
        ...found.notice.split("\n").filter(Boolean).map((line) => make("p", { class: "quiet", lang: found.notice_language }, line)));
      this.shadowRoot.replaceChildren(make("section", { lang: found.language, dir: found.direction, "aria-labelledby": "title" },
        make("p", { class: "title", id: "title", role: "heading", "aria-level": this.getAttribute("level") || "2" }, found.title),
        make("p", {}, found.description), make("p", { class: "quiet" }, found.benefit),
        ...(found.gpc ? [make("p", { class: "quiet" }, words.gpc)] : []),
        ...(found.notice ? [notice] : []), form));
      if (said) status.textContent = said;
      if (focus) status.focus();
      this.#tell("consent-shown", told(found));
    }

    #ask(use, at, words) {
      const picks = ["yes", "no"].map((answer) => {
        const input = make("input", { type: "radio", name: at, value: answer, "aria-describedby": "state" + at });
        input.checked = use.answer === answer;
        return make("label", { class: "pick" }, input, words[answer]);
      });
      return make("fieldset", {}, make("legend", {}, use.label || words.your_answer), make("div", { class: "picks" }, ...picks),
        make("p", { class: "quiet", id: "state" + at }, use.state));
    }

    async #save(form, status) {
      const shown = this.#shown, { words } = shown, given = new FormData(form);
      const answers = shown.uses.flatMap((use, at) =>
        use.asked && given.has(String(at)) && given.get(String(at)) !== use.answer ? [{ channel: use.channel, answer: given.get(String(at)) }] : []);
      if (!answers.length) {
        status.textContent = shown.uses.some((use) => use.answer) ? words.saved : words.choose;
        return;
      }
      const turn = ++this.#turn;
      try {
        const found = await ask("choices", { purpose: shown.purpose, language: this.language, notice_version: shown.notice_version,
          device: kept() || keep(), answers });
        if (turn !== this.#turn) return;
        this.#show(found, found.sign_in ? words.sign_in : words.saved, true);
        this.#tell("consent-change", { ...told(found), reference: found.reference });
      } catch (why) {
        if (turn !== this.#turn) return;
        if (why === 409) await this.refresh("changed");
        else status.textContent = words.failed;
      }
    }

    async #tie(status, words) {
      try {
        open((await ask("ties", { device: kept() })).url, "_blank", "noopener");
      } catch {
        status.textContent = words.failed;
      }
    }
  }

  const told = (found) => ({
    purpose: found.purpose,
    answers: Object.fromEntries(found.uses.map((use) => [use.channel || "", use.answer])),
  });

  if (!customElements.get("consent-preferences")) customElements.define("consent-preferences", Preferences);
})();
