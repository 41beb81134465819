"""The preference widget on a page of another origin, which is the example of docs/embedding.md."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from consent_service.catalogue import service as catalogues
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.web.texts import LANGUAGES
from tests.conftest import SAMPLE
from tests.pages.conftest import PHONE
from tests.pages.test_every_page import faults
from tests.support.processes import within

EXAMPLE = Path(__file__).parents[2] / "docs/embedding-example.html"
NEWS = "consent-preferences[purpose='marketing.newsletter']"
SPOKEN = {"en": "Save my choice", "ru": "Сохранить мой выбор", "zh-Hans": "保存我的选择",
          "ar": "حفظ خياري"}  # fmt: skip


class _Page(BaseHTTPRequestHandler):
    def __init__(self, text, *rest):
        self.text = text
        super().__init__(*rest)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.text().encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def shop(site):
    """The example on a port of its own: `address` by a name that the catalogue knows, `other` by
    one that it does not. What it says may be changed by `words`."""

    class Shop:
        words = None

        def text(self):
            text = EXAMPLE.read_text(encoding="utf-8")
            for old, new in {"http://127.0.0.1:8000": site.address, **(self.words or {})}.items():
                assert old in text
                text = text.replace(old, new)
            return text

    made = Shop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, made.text))
    threading.Thread(target=server.serve_forever).start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    made.other = f"http://localhost:{server.server_port}"
    text = SAMPLE.read_text(encoding="utf-8").replace("http://127.0.0.1:8123", made.address)
    with site.app.app_context():
        catalogues.load_catalogue(text, SYSTEM, utc_now(), lambda *_: 0)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_shop(site, shop, chromium):
    """`with open_shop(…) as page`: the example, in a browser that asks nobody but the two."""

    @contextmanager
    def visit(address=None, language="en", scheme="light", viewport=PHONE, **more):
        context = chromium.new_context(
            locale=language, color_scheme=scheme, viewport=viewport, **more
        )
        context.add_init_script(
            "addEventListener('consent-error', e => { window.refused = e.detail.status })"
        )
        page = context.new_page()
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.asked = asked
        try:
            page.goto(address or shop.address)
            yield page
            own = (site.address + "/", shop.address, shop.other, "data:")
            assert [url for url in asked if not url.startswith(own)] == []
            assert wrong == []
        finally:
            context.close()

    return visit


def say(page, answer, of=NEWS):
    page.locator(of).get_by_label(answer, exact=True).check()
    page.locator(of).get_by_role("button", name="Save my choice").click()
    page.locator(of).get_by_text("Saved.").wait_for()


def kept(page):
    return page.evaluate("Object.entries(localStorage)")


def test_a_choice_is_made_on_another_site_and_kept_there(open_shop, site):
    with open_shop() as page:
        page.locator(NEWS).get_by_role("heading", name="Newsletter").wait_for()
        assert page.locator(NEWS).locator("input:checked").count() == 0
        assert kept(page) == []
        assert sum(url.endswith("/look") for url in page.asked) == 2  # one for each of the two
        page.locator(NEWS).get_by_role("button", name="Save my choice").click()
        assert page.locator(NEWS).get_by_role("status").inner_text() == "Choose yes or no first."
        assert kept(page) == []
        say(page, "Yes")
        ((name, value),) = kept(page)
        assert (name, len(value)) == ("consent-device", 48)
        assert page.context.cookies() == []
        assert value not in "".join(page.asked)
        page.reload()
        page.locator(NEWS).locator("input[value=yes]:checked").wait_for()
        say(page, "No")
        assert "You said no" in page.locator(NEWS).locator("fieldset").inner_text()


def test_it_is_worked_by_the_keyboard(open_shop):
    with open_shop() as page:
        page.locator(NEWS).locator("summary").wait_for()
        page.locator(NEWS).locator("summary").focus()
        for key in ("Tab", "Space", "Tab", "Enter"):
            page.keyboard.press(key)
        page.locator(NEWS).get_by_text("Saved.").wait_for()
        focused = page.evaluate(f'document.querySelector("{NEWS}").shadowRoot.activeElement.role')
        assert focused == "status"
        assert page.locator(NEWS).locator("input[value=yes]").is_checked()


def test_the_page_hears_what_was_chosen(open_shop):
    with open_shop() as page:
        page.evaluate(
            "window.heard = []; addEventListener('consent-change', e => heard.push(e.detail))"
        )
        page.locator(NEWS).locator("form").wait_for()
        say(page, "No")
        (heard,) = page.evaluate("heard")
        assert heard["answers"] == {"email": "no"}
        assert heard["reference"]


def test_a_site_that_is_not_named_shows_nothing_and_goes_on(open_shop, shop):
    with open_shop(shop.other) as page:
        # the browser lets it know no more; to wait within the page its policy forbids
        within(10, lambda: page.evaluate("window.refused === 0"))
        assert page.get_by_role("heading", name="A shop").is_visible()
        assert page.locator(NEWS).locator("section").count() == 0
        answer = page.request.post(
            f"{page.asked[1].rpartition('/')[0]}/v1/widget/look",
            headers={"Origin": shop.other},
            data={"purpose": "marketing.newsletter", "language": "en"},
        )
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers


def test_whoever_signs_in_keeps_the_no(open_shop, site):
    with open_shop() as page:
        page.locator(NEWS).locator("form").wait_for()
        say(page, "No")
        with page.context.expect_page() as opened:
            page.locator(NEWS).get_by_role("button", name="Sign in to keep").click()
        tab = opened.value
        tab.wait_for_url("**/sign-in?next=*")
        devices = tab.url.rpartition("next=")[2]
        tab.goto(site.address + site.paths["customer"])
        tab.goto(site.address + devices.replace("%2F", "/"))
        tab.get_by_role("button", name="Yes, these are my choices").click()
        tab.wait_for_url("**/devices/tied")
        tab.goto(site.address + "/choices")
        assert tab.is_checked("#marketing-newsletter--email-no")
        page.reload()
        page.locator(NEWS).locator("input[value=no]:checked").wait_for()
        page.locator(NEWS).get_by_label("Yes", exact=True).check()
        page.locator(NEWS).get_by_role("button", name="Save my choice").click()
        page.locator(NEWS).get_by_text("To say yes, sign in").wait_for()


def looks(page, axe, language):
    page.locator(NEWS).get_by_role("button", name=SPOKEN[language]).wait_for()
    page.locator(NEWS).locator("summary").click()
    shown = (
        page.locator(NEWS)
        .locator("section")
        .evaluate("e => [e.lang, getComputedStyle(e).direction]")
    )
    assert shown == [language, LANGUAGES[language].direction]
    small = page.locator(NEWS).evaluate(
        "e => [...e.shadowRoot.querySelectorAll('button, .pick, summary')]"
        ".map(b => b.getBoundingClientRect()).filter(b => b.width < 24 || b.height < 24).length"
    )
    assert small == 0
    return faults(page, axe)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing(open_shop, shop, axe, language, scheme):
    shop.words = bypassed(language)
    with open_shop(language=language, scheme=scheme, bypass_csp=True) as page:
        assert looks(page, axe, language) == []


@pytest.mark.pages_full
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_axe_finds_nothing_anywhere(open_shop, shop, axe, language, scheme, width):
    shop.words = bypassed(language)
    size = {"width": width, "height": 800}
    with open_shop(language=language, scheme=scheme, viewport=size, bypass_csp=True) as page:
        assert looks(page, axe, language) == []


def bypassed(language):
    """In a language; axe is put in from outside, which the page's own policy would not take."""
    return {'lang="en"': f'lang="{language}" dir="{LANGUAGES[language].direction}"'}
