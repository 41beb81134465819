"""Global Privacy Control of browsers: an opt-out for whoever is signed in, shown on every page."""

import pytest

from consent_service.web import cookies
from tests.support.pages import Browser
from tests.support.portal import Person

GPC = {"Sec-GPC": "1"}
SHOWN = "Your browser sends Global Privacy Control"


@pytest.fixture(params=["sqlite"])
def store(request):
    """Signals themselves are tried on every store, in test_signals.py."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def cara(shop):
    return shop.customer("cara@example.org", jurisdiction="US-CA")


@pytest.fixture
def person(app, clock, cara):
    return Person(app, clock, cara)


def since(shop, customer):
    return shop.api.get(f"/v1/customers/{customer}").json["gpc_since"]


@pytest.mark.parametrize("path", ["/choices", "/privacy", "/account", "/data", "/nothing/there"])
def test_whoever_is_signed_in_is_opted_out_once(person, cara, shop, path):
    assert shop.reason(cara, "ads") == "not_opted_out"
    before = shop.revision(cara)
    for _ in range(3):
        assert SHOWN in person.browser.get(path, headers={**GPC, "Accept": "text/html"}).text
    assert shop.reason(cara, "ads") == "gpc"
    assert shop.reason(cara, "news") == "not_opted_out"
    assert (since(shop, cara), shop.revision(cara)) == (shop.at(), before + 1)


def test_the_choices_say_so(person):
    person.browser.headers |= GPC
    assert person.states()["ads"] == "Your browser asks not to sell or share your data."
    del person.browser.headers["Sec-GPC"]
    assert SHOWN not in person.get("/choices").text
    assert person.states()["ads"] == "Your browser asks not to sell or share your data."


def test_of_a_stranger_nothing_is_kept(app, shop, cara):
    browser = Browser(app)
    before = shop.counts()
    for path in ("/privacy", "/help", "/sign-in"):
        assert SHOWN in browser.get(path, headers=GPC).text
    assert shop.counts() == before
    assert set(browser.cookies()) == {cookies.SESSION}  # for the form of the sign-in
    assert since(shop, cara) is None


@pytest.mark.parametrize("value", ["0", "true", "1, 1", ""])
def test_what_is_no_signal_counts_for_nothing(person, cara, shop, value):
    page = person.browser.get("/choices", headers={"Sec-GPC": value})
    assert SHOWN not in page.text
    assert since(shop, cara) is None


def test_the_signal_bears_on_no_call_of_a_client(shop, cara):
    shop.api.get("/v1/purposes", headers=GPC)
    assert since(shop, cara) is None


def test_that_it_is_honoured_is_said_where_browsers_look(api):
    assert api().get("/.well-known/gpc.json").json == {"gpc": True, "lastUpdate": "2026-11-22"}
