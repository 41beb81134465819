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


def choose(page, *answers):
    """Ticks answers on the page that is open, and saves them."""
    for answer in answers:
        page.check("#" + answer)
    page.locator(".save button").click()


def own_states(page, site, deliver):
    """Leads a customer through their own pages; yields the name of each."""
    page.goto("/privacy")
    yield "how we use data"
    page.goto("/help")
    yield "help"
    page.goto(site.paths["customer"])
    yield "choices"
    site.say_no_elsewhere()
    choose(page, "marketing-newsletter--email-yes", "marketing-sms_offers--sms-yes")
    page.wait_for_selector("[role=alert]")
    yield "choices, changed meanwhile"
    choose(page)
    page.wait_for_url("**/choices/saved/*")
    yield "choices saved"
    saved = page.url
    page.goto("/choices")
    page.check("#marketing-newsletter--email-no")
    yield "choices, not saved yet"
    deliver()
    page.goto("/demo/mailbox")
    link = page.locator("a[href*='/choices/confirm/']").first.get_attribute("href")
    page.goto(link)
    yield "yes to confirm"
    page.locator("main form button").click()
    page.wait_for_url("**/choices/confirmed")
    yield "yes confirmed"
    page.goto(link)
    yield "yes confirmed before"
    page.goto("/choices/history/marketing.sms_offers")
    yield "history of a choice"
    page.goto(saved)
    yield "choices saved, later"
    yield from data_states(page)


def link_states(page, site, deliver):
    """Leads a browser where the links of mails, and of the widget, lead."""
    page.goto(site.paths["unsubscribe"])
    yield "unsubscribe"
    page.locator("main form button").click()
    page.wait_for_selector("[role=status]")
    yield "unsubscribed"
    page.goto(site.paths["preferences"])
    yield "choices by link"
    page.locator("main input[type=checkbox]").first.check()
    page.locator(".save button").click()
    page.wait_for_url("**?done=1")
    yield "choices by link, saved"
    page.goto("/preferences/nothing")
    yield "choices by link, gone"
    page.goto(site.paths["customer"])
    page.goto(site.paths["device"])
    yield "device"
    page.locator("main form button").click()
    page.wait_for_url("**/devices/tied")
    yield "device, tied"
    page.goto(site.paths["device"])
    yield "device, gone"
    page.goto("/effort/thanks")
    yield "thanks"


def data_states(page):
    """The rest of a customer's own pages."""
    page.goto("/use")
    for each in page.locator("main details").all():
        each.evaluate("each => each.open = true")
    yield "how it was used"
    page.goto("/use?from=x&outcome=deny")
    yield "how it was used, refused"
    page.goto("/data")
    yield "data"
    page.goto("/data/correct")
    yield "correct"
    page.fill("#note", "x" * 4_001)
    page.locator("main form button").click()
    yield "correct refused"
    page.goto("/data/download")
    yield "download"
    page.locator("main form button").first.click()
    page.wait_for_url("**/requests/req_*")
    yield "request"
    page.goto("/data/delete")
    yield "delete"
    page.goto("/requests")
    yield "requests"
    page.goto("/account/apps")
    yield "apps"
    page.goto("/nothing/there")
    yield "nothing there, signed in"


def end_states(page, site, deliver):
    """What others did meanwhile, and where nothing goes on."""
    page.goto(site.paths["customer"])
    customer = site.paths["customer"].split("/")[3]
    for purpose in ("safety.recalls", "marketing.newsletter"):
        site.office.use_audience(customer, purpose)
    page.goto("/use?kind=disclosure")
    assert page.locator(".tag").count() == 2
    yield "uses of audiences"
    page.goto("/data/download")
    page.locator("main form button").first.click()
    page.wait_for_url("**/requests/req_*")
    address = page.url.partition("?")[0]
    site.office.approve(address.rpartition("/")[2])
    site.office.work()
    page.goto(address)
    yield "request, recipients being told"
    site.office.answer(address.rpartition("/")[2])
    site.office.work()
    page.goto(address)
    yield "request, copy ready"
    site.office.let_minutes_pass()
    page.goto(address)
    yield "request, copy behind a sign-in"
    page.goto("/data/delete")
    yield "delete behind a sign-in"
    page.goto("/sign-in?next=/data/delete")
    yield "sign-in once more"
    page.goto("/account")
    page.evaluate("document.querySelector('[name=csrf_token]').value = 'x'")
    page.locator("form[action='/sign-out'] button").click()
    yield "form expired"
    page.goto("/requests/certificate/nothing")
    yield "certificate gone"
    for _ in range(60):
        page.request.get("/preferences/nothing")
    page.goto("/preferences/nothing")
    yield "too many"


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


def kept_beside(page):
    """What the browser keeps that is not the one cookie, or not as that is to be kept."""
    cookies = [
        (each["name"], each["expires"], each["httpOnly"], each["secure"], each["sameSite"])
        for each in page.context.cookies()
    ]
    stored = page.evaluate("localStorage.length + sessionStorage.length")
    return [*(cookies if cookies != [ONE] * len(cookies[:1]) else []), *["a store"] * stored]


ONE = ("__Host-consent_session", -1, True, True, "Lax")
LEAN = [(language, "light") for language in sorted(LANGUAGES)] + [("en", "dark"), ("ar", "dark")]
WALKS = {
    "everybody": (states, 20),
    "own": (own_states, 22),
    "links": (link_states, 9),
    "ends": (end_states, 9),
}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize(("language", "scheme"), LEAN)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    site, visit, deliver, axe, language, scheme, walk
):
    with visit(language, scheme) as page:
        look_at_all(page, site, deliver, axe, language, walk)


@pytest.mark.pages_full
@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_page_at_every_width(site, visit, deliver, axe, language, scheme, width, walk):
    with visit(language, scheme, {"width": width, "height": 800}) as page:
        look_at_all(page, site, deliver, axe, language, walk)


def look_at_all(page, site, deliver, axe, language, walk):
    lead, many = WALKS[walk]
    found = {}
    for name in lead(page, site, deliver):
        shown = page.locator("html").evaluate("html => [html.lang, html.dir]")
        assert shown == [language, LANGUAGES[language].direction], name
        found[name] = [*faults(page, axe), *kept_beside(page)]
    assert len(found) == many
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
