"""What good customer pages do, point by point, in a browser. The numbers are of the list that the
portal is held to (docs/portal.md)."""

import json
import re
import zipfile

import pytest

from consent_service.customers import service as customers
from consent_service.kernel.ids import parse_customer_id
from consent_service.web.texts import LANGUAGES
from tests.pages.conftest import ANNA, PHONE
from tests.pages.test_by_keyboard import tab_to

OWN = ["/choices", "/use", "/data", "/data/correct", "/data/download", "/data/delete",
       "/requests", "/account", "/account/apps"]  # fmt: skip
NEWS = "#marketing-newsletter--email"
DESK = {"width": 1280, "height": 800}
UNDER_THE_BAR = """() => {
    const at = document.activeElement, bar = document.querySelector(".save");
    const shown = at.closest(".pick") || at;
    const place = shown.getBoundingClientRect(), taken = bar.getBoundingClientRect();
    const clear = place.bottom <= taken.top + 1 || place.top >= taken.bottom - 1;
    const name = at === document.body ? "BODY" : at.id || at.textContent.trim();
    return [name, clear || bar.contains(at), getComputedStyle(shown).outlineStyle];
}"""
SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, select, textarea, summary, .pick, .button, nav.site a, footer a, " +
    "input:not([type=hidden], [type=radio])")]
    .filter(each => each.checkVisibility())
    .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
    .filter(([_, box]) => box.width < 24 || box.height < 24)
    .map(([text, box]) => [text, box.width, box.height])
"""


@pytest.fixture
def signed_in(site, visit):
    """`with signed_in(…) as page`: a browser in which the customer is signed in."""

    def begin(**more):
        opened = visit(**more)
        page = opened.__enter__()
        page.goto(site.paths["customer"])
        begin.opened = opened
        return page

    yield begin
    begin.opened.__exit__(None, None, None)


def save(page, *ticks):
    for tick in ticks:
        page.check(tick)
    page.locator(".save button").click()
    page.wait_for_url("**/choices/saved/*")


def test_1_6_what_holds_is_shown_and_toggling_saves_nothing(signed_in):
    page = signed_in()
    assert page.locator(".state").count() == page.locator(".state:not(:empty)").count() > 12
    assert not page.locator(".unsaved").is_visible()
    page.check(f"{NEWS}-yes")
    assert page.locator(".unsaved").is_visible()
    page.reload()
    assert not page.is_checked(f"{NEWS}-yes")
    save(page, f"{NEWS}-yes")
    page.goto("/choices")
    assert page.is_checked(f"{NEWS}-yes")
    assert not page.locator(".unsaved").is_visible()


def test_2_4_5_each_purpose_says_what_who_and_how_long(signed_in):
    page = signed_in()
    for purpose in page.locator("section.purpose").all():
        assert purpose.locator("summary").count() >= 1
        assert purpose.locator("details dt").count() >= 4
        if purpose.locator("fieldset").count():
            assert re.search(r"Uses: .+ Kept for .+", purpose.inner_text())
            assert purpose.locator(".benefit").inner_text()
        else:
            assert purpose.locator("input").count() == 0
            assert purpose.locator(".state").inner_text()
    locked = page.locator("section.purpose:not(:has(fieldset)) h3").all_inner_texts()
    assert locked == ["Safety warnings and recalls"]


def test_3_nothing_is_ticked_and_the_two_answers_to_all_are_equal(signed_in):
    page = signed_in(viewport=DESK)
    assert page.locator("input[type=radio]:checked").count() == 0
    looks = [
        button.evaluate(
            "b => { const r = b.getBoundingClientRect(), s = getComputedStyle(b);"
            " return [r.width, r.height, r.top, s.color, s.backgroundColor, s.font, s.border] }"
        )
        for button in page.locator(".all button").all()
    ]
    assert looks[0] == looks[1]
    for pair in page.locator(".picks").all():
        boxes = [pick.bounding_box() for pick in pair.locator(".pick").all()]
        assert len({(box["width"], box["height"]) for box in boxes}) == 1


def test_8_the_confirmation_has_a_reference_prints_and_is_kept(signed_in):
    page = signed_in()
    save(page, f"{NEWS}-yes")
    reference = page.locator(".reference").inner_text()
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", reference)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt").click()
    kept = json.loads(download.value.path().read_text())
    assert kept["reference"] == reference
    assert kept["receipts"][0]["fields"]["pii_processing"]["purpose"] == "marketing.newsletter"
    page.emulate_media(media="print")
    assert not page.locator("nav.site").is_visible()
    assert page.locator(".reference").is_visible()


def test_9_a_no_takes_no_more_steps_than_a_yes(site, signed_in):
    page = signed_in()

    def steps(tick):
        page.goto("/data")
        page.locator("nav.site a", has_text="My choices").click()
        save(page, tick)
        return page.locator("main h1").inner_text()

    assert steps(f"{NEWS}-yes") == steps(f"{NEWS}-no")
    for path in OWN:
        page.goto(path)
        assert page.locator("nav.site a[href='/choices']").is_visible()


def test_10_the_history_says_when_who_where_and_which_wording(site, signed_in):
    page = signed_in()
    site.say_no_elsewhere()
    page.goto("/choices")
    save(page, f"{NEWS}-yes")
    page.goto("/choices/history/marketing.newsletter")
    newest, oldest = page.locator("ul.rows > li").all()
    assert "you, signed in · Website" in newest.inner_text()
    assert "our staff · In a store" in oldest.inner_text()
    newest.locator("summary").click()
    assert "at most once a week" in newest.locator(".full").inner_text()


def test_11_25_the_record_of_use_and_its_chart(signed_in):
    page = signed_in()
    page.goto("/use")
    chart = page.locator("svg[role=img]")
    assert chart.locator("title").text_content() == "Questions and uses by month"
    told = re.fullmatch(
        r"Allowed: (\d+)\. Not allowed: (\d+)\.", chart.locator("desc").text_content()
    )
    page.get_by_text("As a table").click()
    rows = [row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()]
    assert len(rows) == 12
    sums = [sum(int(row[at]) for row in rows) for at in range(4)]
    assert [sums[0] + sums[2], sums[1] + sums[3]] == [int(n) for n in told.groups()]
    assert "UTC" in page.locator("ul.rows > li").first.inner_text()
    page.get_by_text("Filter", exact=True).click()
    page.select_option("#outcome", "permit")
    page.get_by_role("button", name="Show these").click()
    assert set(page.locator(".tag").all_inner_texts()) == {"allowed"}
    with page.expect_download() as download:
        page.get_by_role("link", name="Signed answer").first.click()
    assert download.value.path().read_text().count(".") == 2


def sign_in_once_more(site, page, deliver):
    """From the page that asks for it, by the letter, back to that page."""
    wanted = page.url
    page.get_by_role("link", name="Sign in once more").click()
    page.get_by_role("button", name="Send me the link").click()
    deliver()
    page.goto("/demo/mailbox")
    page.goto(page.locator("a[href*='/sign-in/link/']").first.get_attribute("href"))
    page.locator("main form button").click()
    page.wait_for_url(wanted)


def test_12_a_copy_from_asking_to_fetching(site, signed_in, deliver):
    """Formats, progress, expiry, and a fresh sign-in both before asking and before fetching."""
    page = signed_in()
    site.office.let_minutes_pass()
    page.goto("/data/download")
    said = page.locator("main").inner_text()
    assert "a page to read, and the same as JSON and as tables (CSV)" in said
    assert "within 7 days" in said
    assert page.locator("main form").count() == 0
    sign_in_once_more(site, page, deliver)
    page.get_by_role("button", name="A copy of the data about you").click()
    page.wait_for_url("**/requests/req_*")
    address = page.url.partition("?")[0]
    request = address.rpartition("/")[2]
    assert "Our staff are looking at it" in page.locator("main").inner_text()
    site.office.approve(request)
    site.office.work()
    page.goto(address)
    assert "Being carried out" in page.locator("main").inner_text()
    told = page.locator("h2:has-text('Those who received your data') ~ ul .tag")
    assert set(told.all_inner_texts()) == {"being told"}
    site.office.answer(request)
    site.office.work()
    site.office.let_minutes_pass()
    page.goto(address)
    assert set(told.all_inner_texts()) == {"confirmed: holds nothing about you"}
    assert re.search(r"You can download it once, until .+ UTC", page.locator("main").inner_text())
    assert page.get_by_role("button", name="Download my data").count() == 0
    sign_in_once_more(site, page, deliver)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert {"index.html", "package.json"} < set(names)
    assert any(name.endswith(".csv") for name in names)
    for _ in range(50):  # the browser has it before the server has noted that
        page.goto(address)
        if "Your copy was downloaded" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(100)
    assert "Your copy was downloaded" in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Download my data").count() == 0


def test_13_deleting_says_what_follows_waits_and_can_be_cancelled(site, signed_in, deliver):
    site.office.load(erasure_grace_days=14)
    page = signed_in()
    page.goto("/data/delete")
    page.get_by_role("link", name="See how far it is").click()
    page.get_by_role("button", name="Cancel this request").click()
    page.wait_for_selector("text=It was cancelled")
    site.office.let_minutes_pass()
    page.goto("/data/delete")
    said = page.locator("main").inner_text()
    for part in (
        "cannot be undone",
        "At once",
        "Until it is carried out",
        "What is kept, and why",
        "we wait for another 14 days",
        "Proof of what you agreed to, for at most 3 years",
    ):
        assert part in said
    assert page.locator("main form").count() == 0
    sign_in_once_more(site, page, deliver)
    page.get_by_role("button", name="Delete my data").click()
    page.wait_for_url("**/requests/req_*")
    address = page.url.partition("?")[0]
    site.office.approve(address.rpartition("/")[2])
    site.office.work()
    page.goto(address)
    said = page.locator("main").inner_text()
    assert "Approved, about to be carried out" in said
    assert re.search(r"You can cancel it until\s+.+ UTC", said)
    page.get_by_role("button", name="Cancel this request").click()
    page.wait_for_selector("text=It was cancelled")
    page.goto("/choices")
    assert "restricted" not in page.locator("main").inner_text()


def test_14_requests_have_the_date_that_the_law_sets(signed_in):
    page = signed_in()
    page.goto("/data/download")
    page.get_by_role("button", name="A copy of the data about you").click()
    page.wait_for_url("**/requests/req_*")
    assert re.search(r"We must answer by\s+.+ UTC", page.locator("main").inner_text())
    page.goto("/requests")
    copy = page.locator("ul.rows > li", has_text="A copy of the data about you")
    assert "· due " in copy.inner_text()
    copy.locator("a").click()
    page.get_by_role("button", name="Cancel this request").click()
    page.wait_for_selector("text=It was cancelled")
    page.goto("/requests")
    assert "Cancelled" in copy.inner_text()
    assert "due" not in copy.inner_text()


def test_15_global_privacy_control_is_shown_and_counts(site, visit):
    with visit(extra_http_headers={"Sec-GPC": "1"}) as page:
        page.goto("/privacy")
        assert page.get_by_label("Signal of your browser").is_visible()
        page.goto(site.paths["customer"])
        assert page.get_by_label("Signal of your browser").is_visible()
        assert page.request.get("/.well-known/gpc.json").json()["gpc"] is True
    with site.app.app_context():
        anna = parse_customer_id(site.paths["customer"].split("/")[3])
        assert customers.get_record(anna).facts.gpc_since is not None
    with visit() as page:
        page.goto("/privacy")
        assert page.get_by_label("Signal of your browser").count() == 0


def test_16_what_is_wrong_is_said_on_top_linked_and_focused(signed_in):
    page = signed_in()
    page.goto("/data/correct")
    page.fill("#note", "x" * 4_001)
    page.locator("main form button").click()
    page.wait_for_selector("[role=alert]")
    assert page.evaluate("document.activeElement.matches('[role=alert]')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "note"
    assert page.input_value("#note") == "x" * 4_001


def test_17_the_focus_shows_and_is_never_under_the_bar(signed_in):
    page = signed_in(viewport={"width": 390, "height": 700})
    page.check(f"{NEWS}-yes")
    page.evaluate("document.querySelector('#main').focus()")
    hidden, seen = [], set()
    for _ in range(90):
        page.keyboard.press("Tab")
        at, clear, outline = page.evaluate(UNDER_THE_BAR)
        if at == "BODY":
            break
        seen.add(at)
        if not clear or outline == "none":
            hidden.append(at)
    assert len(seen) > 40
    assert hidden == []


def test_18_20_targets_are_large_and_help_is_always_in_its_place(signed_in):
    page = signed_in()
    for path in ["/privacy", "/help", *OWN]:
        page.goto(path)
        small = page.evaluate(SMALL_TARGETS)
        assert small == [], path
        assert page.locator("footer a").all_inner_texts() == ["How we use data", "Help"]


PASTE = """text => {
    const held = new DataTransfer();
    held.setData("text/plain", text);
    return document.activeElement.dispatchEvent(
        new ClipboardEvent("paste", {clipboardData: held, bubbles: true, cancelable: true}));
}"""


def test_19_signing_in_takes_no_puzzle_no_memory_and_no_typing(site, visit, deliver):
    """An address that the browser fills in, or that is pasted, and a link."""
    with visit() as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/sign-in")
        assert page.locator("main :is(img, svg, canvas, audio, video, iframe)").count() == 0
        fields = page.locator("main input:not([type=hidden])")
        assert fields.evaluate_all("all => all.map(each => each.autocomplete)") == ["email"]
        paste(page, "#email", ANNA)
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in/sent")
        deliver()
        page.goto("/demo/mailbox")
        page.goto(page.locator("a[href*='/sign-in/link/']").first.get_attribute("href"))
        assert page.locator("main input:not([type=hidden])").count() == 0
        page.locator("main form button").click()
        page.wait_for_url("**/choices")
        page.goto("/staff/sign-in")
        kinds = page.locator("main input:not([type=hidden])").evaluate_all(
            "all => all.map(each => each.autocomplete)"
        )
        assert kinds == ["username", "current-password", "one-time-code"]
        for field, text in (("#password", "correct horse battery"), ("#code", "123 456")):
            paste(page, field, text)


def paste(page, field, text):
    """As a password manager, or somebody who copied it, does; nothing may prevent it."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.focus(field)
    page.keyboard.press("Control+V")
    assert page.input_value(field) == text
    assert page.evaluate(PASTE, text), "the page prevents it"


def test_21_a_save_is_announced(signed_in):
    page = signed_in()
    save(page, f"{NEWS}-yes")
    assert "Your choices are saved" in page.locator("[role=status]").inner_text()


def test_22_a_state_is_said_in_words(signed_in):
    page = signed_in(viewport=DESK)
    save(page, f"{NEWS}-yes")
    page.goto("/choices")
    said = dict(
        page.locator(".state").evaluate_all("all => all.map(e => [e.textContent, e.className])")
    )
    assert {"state", "state used"} == set(said.values())
    assert len(said) > 2


def test_23_nothing_moves_and_nothing_is_cut_off_at_400_percent(signed_in):
    page = signed_in()
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.evaluate("document.getAnimations().length") == 0
    page.set_viewport_size({"width": 320, "height": 256})  # 1280 at 400 %
    for path in OWN:
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, path


def test_24_the_language_is_switched_in_itself_and_recorded(signed_in):
    page = signed_in()
    names = page.locator(".languages a").evaluate_all(
        "all => all.map(b => [b.lang, b.textContent])"
    )
    assert names == [[each.code, each.name] for each in LANGUAGES.values()]
    page.locator(".languages a[lang=ar]").click()
    page.wait_for_selector("html[lang=ar][dir=rtl]")
    save(page, f"{NEWS}-yes")
    assert page.locator("bdi.reference").count() == 1
    page.goto("/choices/history/marketing.newsletter")
    assert page.locator(".full").first.get_attribute("lang") == "ar"


IDS = """() => {
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const at = walk.currentNode;
        const id = /\\b(req|evt|cus|dec)_\\w{6,}|\\b(\\w{4}-){2}\\w{4}\\b|\\S@\\S/.test(at.data);
        const within = at.parentElement;
        if (id && within.checkVisibility())
            found.push([at.data.trim(), !!within.closest("bdi, [dir=ltr]")]);
    }
    return found;
}"""


def test_24_ids_keep_to_themselves_where_all_else_runs_the_other_way(site, signed_in):
    page = signed_in(language="ar")
    save(page, f"{NEWS}-yes")
    seen = page.evaluate(IDS)
    for path in [*OWN, site.paths["request"]]:
        page.goto(path)
        seen += page.evaluate(IDS)
    page.goto("/requests")
    page.locator("ul.rows a").first.click()
    page.wait_for_url("**/requests/req_*")
    seen += page.evaluate(IDS)
    assert len(seen) >= 4
    assert [text for text, alone in seen if not alone] == []


PLURALS = {
    "en": ["1 day", "2 days", "5 days", "11 days", "21 days", "1 year", "2 years", "5 years"],
    "ru": ["1 день", "2 дня", "5 дней", "11 дней", "21 день", "1 год", "2 года", "5 лет"],
    "zh-Hans": ["1 天", "2 天", "5 天", "11 天", "21 天", "1 年", "2 年", "5 年"],
    "ar": ["يوم واحد", "يومان", "5 أيام", "11 يومًا", "100 يوم", "سنة واحدة", "سنتان", "5 سنوات"],
}


def test_24_numbers_have_the_form_that_their_language_wants(site, visit):
    """Russian has three, Arabic six."""
    site.office.load(retention_days=[1, 2, 5, 11, 21, 100, 365, 730, 1826])
    with visit(viewport=DESK) as page:
        for language, forms in PLURALS.items():
            page.goto(f"/privacy?lang={language}")
            text = page.locator("main").inner_text()
            assert [form for form in forms if not re.search(rf"(?<!\w){form}(?!\w)", text)] == []


def test_24_an_answer_is_recorded_in_the_language_it_was_read_in(signed_in):
    page = signed_in()
    page.locator(".languages a[lang=ru]").click()
    page.wait_for_selector("html[lang=ru]")
    other = page.context.new_page()
    other.goto("/help?lang=zh-Hans")
    save(page, f"{NEWS}-yes")
    page.goto("/choices/history/marketing.newsletter")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator(".full").first.get_attribute("lang") == "ru"


def test_7_all_of_it_without_javascript(site, visit, deliver):
    with visit("en", "light", PHONE, java_script_enabled=False) as page:
        page.goto(site.paths["customer"])
        save(page, f"{NEWS}-yes", "#marketing-sms_offers--sms-yes")
        deliver()
        page.goto("/demo/mailbox")
        page.goto(page.locator("a[href*='/choices/confirm/']").first.get_attribute("href"))
        page.locator("main form button").click()
        page.wait_for_url("**/choices/confirmed")
        page.locator("a.button", has_text="My choices").click()
        page.locator("button[value=refuse]").click()
        page.wait_for_url("**/choices/saved/*")
        page.goto("/use")
        page.get_by_text("Filter", exact=True).click()
        page.select_option("#kind", "decision")
        page.get_by_role("button", name="Show these").click()
        page.wait_for_url("**/use?*")
        page.goto("/data/correct")
        page.fill("#note", "Another address.")
        page.locator("main form button").click()
        page.wait_for_url("**/requests/req_*")
        page.goto("/account/apps")
        page.get_by_role("button", name="End access").click()
        page.wait_for_url("**/account/apps?ended=1")
        page.goto("/account")
        page.get_by_role("button", name="Sign out everywhere").click()
        page.wait_for_url("**/sign-in?signed_out=1")


def test_9_everything_by_keyboard(signed_in):
    page = signed_in(viewport=DESK)
    tab_to(page, ".all button[value=refuse]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/choices/saved/*")
    assert "No" in page.locator("ul.rows").first.inner_text()
