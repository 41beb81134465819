"""One session cookie and nothing else, and none before it is needed."""

from consent_service.web.texts import LANGUAGES
from tests.pages.conftest import ANNA
from tests.pages.test_every_page import kept_beside, sign_in_letter

PUBLIC = ["/privacy", "/help", "/sign-in/sent", "/nothing/there", "/preferences/nothing"]


def names(page):
    return [each["name"] for each in page.context.cookies()]


def test_through_every_door_with_one_cookie(site, visit, deliver):
    """Public pages, links of mails, the sign-in, own pages, the sign-out: without a script."""
    with visit(java_script_enabled=False) as page:
        for path in [*PUBLIC, site.paths["unsubscribe"]]:
            page.goto(path)
            assert names(page) == [], path
        for code, language in LANGUAGES.items():
            page.goto("/privacy")
            page.locator(f".languages a[lang={code}]").click()
            page.wait_for_selector(f"html[lang={code}][dir={language.direction}]")
            page.goto(site.paths["preferences"])
            assert page.locator("html").get_attribute("lang") == code
            assert kept_beside(page) == []
        walk(page, site, deliver)
        assert page.locator("html").get_attribute("lang") == "ar"
        assert len(names(page)) == 1


def walk(page, site, deliver):
    """The sign-in by a letter, what is behind it, and the sign-out."""
    page.goto(sign_in_letter(page, deliver))
    page.locator("main form button").click()
    for path in ["/account", "/choices", "/use", "/requests", site.paths["device"], "/help"]:
        page.goto(path)
        assert kept_beside(page) == [], path
        assert page.locator("html").get_attribute("lang") == "ar", path
    page.goto("/account")
    assert ANNA in page.locator("main").inner_text()
    page.locator("form[action='/sign-out'] button").click()
    page.wait_for_url("**/sign-in?signed_out=1")
    assert kept_beside(page) == []


def test_who_has_cookies_off_reads_in_their_language(site, chromium):
    """By the address alone."""
    context = chromium.new_context(base_url=site.address, locale="en")
    page = context.new_page()
    page.route(
        "**/*", lambda route: route.continue_(headers={**route.request.headers, "cookie": ""})
    )
    page.goto("/privacy")
    page.locator(".languages a[lang=ru]").click()
    page.wait_for_selector("html[lang=ru]")
    assert page.url.endswith("/privacy?lang=ru")
    context.close()
