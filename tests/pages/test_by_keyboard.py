"""The pages with the keyboard alone."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.pages.conftest import ANNA
from tests.support.oauth import REDIRECT


def tab_to(page, selector):
    """Presses Tab until the focus is there, and it shows."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", selector
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_a_customer_signs_in_and_out(visit, deliver):
    with visit() as page:
        page.goto("/account")
        assert urlsplit(page.url).path == "/sign-in"
        tab_to(page, "a.skip")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        tab_to(page, "#email")
        page.keyboard.type(ANNA)
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in/sent")
        deliver()
        page.goto("/demo/mailbox")
        tab_to(page, "a[href*='/sign-in/link/']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in/link/*")
        tab_to(page, "main button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/account")
        assert ANNA in page.locator("main").inner_text()
        tab_to(page, "form[action='/sign-out'] button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in?signed_out=1")
        page.goto("/account")
        assert urlsplit(page.url).path == "/sign-in"


def test_what_is_wrong_is_where_the_focus_goes(visit):
    with visit() as page:
        page.goto("/sign-in")
        tab_to(page, "#email")
        page.keyboard.type("nobody@nowhere")
        page.keyboard.press("Enter")
        page.wait_for_selector("[role=alert]")
        assert page.evaluate("document.activeElement.matches('[role=alert]')")
        assert page.title().startswith("Error:")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "email"
        assert page.input_value("#email") == "nobody@nowhere"


def test_the_language_is_changed_and_kept(visit):
    with visit() as page:
        page.goto("/sign-in?next=/account")
        tab_to(page, ".languages a[lang=ar]")
        page.keyboard.press("Enter")
        page.wait_for_selector("html[lang=ar][dir=rtl]")
        assert page.url.endswith("/sign-in?next=%2Faccount&lang=ar")
        page.goto("/staff/sign-in")
        assert page.locator("html").get_attribute("dir") == "rtl"


@pytest.mark.parametrize(("answer", "told"), [("allow", "code"), ("refuse", "error")])
def test_an_app_is_allowed_or_not(site, visit, answer, told):
    with visit() as page:
        page.goto(site.paths["customer"])
        page.goto(site.paths["allow"])
        assert "Loyalty Club" in page.locator("main").inner_text()
        tab_to(page, f"button[name=answer][value={answer}]")
        with page.expect_request(lambda asked: asked.url.startswith(REDIRECT)) as asked:
            page.keyboard.press("Enter")
        query = parse_qs(urlsplit(asked.value.url).query)
        assert set(query) == {told, "state", "iss"}
        assert query["iss"] == [site.address]
