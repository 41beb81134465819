"""Every page, in every language, light and dark: readable, operable, whole on a phone."""

import pytest

from consent_service.web.texts import LANGUAGES
from tests.pages.conftest import ANNA

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def sign_in_letter(page, deliver):
    """Asks for a link, and opens the letter's."""
    page.goto("/sign-in")
    page.fill("#email", ANNA)
    page.press("#email", "Enter")
    deliver()
    page.goto("/demo/mailbox")
    return page.locator("a[href*='/sign-in/link/']").first.get_attribute("href")


def states(page, site, deliver):
    """Leads a browser to each page there is; yields the name of each."""
    page.goto("/sign-in")
    yield "sign-in"
    page.fill("#email", "nobody@nowhere")
    page.press("#email", "Enter")
    yield "sign-in refused"
    page.goto("/oauth/authorize?client_id=nobody")
    yield "authorize refused"
    page.goto("/demo/mailbox")
    yield "mailbox, empty"
    link = sign_in_letter(page, deliver)
    yield "mailbox"
    page.goto("/sign-in/sent")
    yield "sent"
    page.goto(link)
    yield "link"
    page.locator("main form button").click()
    yield "account"
    page.goto(link)
    yield "link gone"
    page.goto(site.paths["allow"])
    yield "authorize"
    page.goto("/sign-in/nothing")
    yield "not found"
    page.goto("/staff/sign-in")
    yield "staff sign-in"
    page.fill("#name", "olga")
    page.fill("#password", "wrong")
    page.fill("#code", "000000")
    page.press("#code", "Enter")
    yield "staff sign-in refused"
    page.goto(site.paths["enrol"])
    yield "enrol"
    page.fill("#password", "short")
    page.fill("#code", "000000")
    page.press("#code", "Enter")
    yield "enrol refused"
    page.goto("/staff/enrol/nothing")
    yield "enrol gone"
    page.goto(site.paths["officer"])
    yield "staff"
    page.goto(site.paths["request"])
    yield "request to confirm"
    page.locator("main form button").click()
    page.wait_for_url("**/requests/confirmed")
    yield "request confirmed"
    page.goto(site.paths["request"])
    yield "request link gone"


def faults(page, axe):
    """What axe finds, and what does not fit."""
    page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run({runOnly: rules}).then(r => r.violations.map("
        "v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')))",
        RULES,
    )
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [*found, *([f"{over} px too wide"] if over > 0 else [])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_axe_finds_nothing_and_nothing_is_cut_off(site, visit, deliver, axe, language, scheme):
    found = {}
    with visit(language, scheme) as page:
        for name in states(page, site, deliver):
            shown = page.locator("html").evaluate("html => [html.lang, html.dir]")
            assert shown == [language, LANGUAGES[language].direction], name
            assert page.title() not in found
            found[name] = faults(page, axe)
    assert len(found) == 20
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
