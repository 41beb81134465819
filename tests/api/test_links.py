"""Links in mails: one click says no, opening says nothing, and nobody learns who is a customer."""

import re
from datetime import timedelta

import pytest

from consent_service.crypto import keyring as keyrings
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.ids import parse_customer_id
from consent_service.personal_data import service as personal_data
from consent_service.preference_links import service
from consent_service.web.texts import LANGUAGES
from tests.support.pages import Browser, forms_of
from tests.support.portal import Person
from tests.support.problems import UNKNOWN, assert_needs_scope, fault
from tests.support.small_catalogue import PURPOSES

BASE = "/v1/preference-links"
SITE = "http://127.0.0.1:8000"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(params=["sqlite"])
def store(request):
    """What depends on the store is tried in test_portal_stores.py."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def anna(shop):
    made = shop.customer("anna@example.org")
    shop.say(made, "given", "news")
    shop.say(made, "given", "offers", channel="email")
    shop.say(made, "given", "offers", channel="sms")
    return made


@pytest.fixture
def links(shop):
    """`links(customer, purpose, …)`: what the sender is given."""

    def make(customer, purpose="news", **more):
        reply = shop.api.post(BASE, {"customer_id": customer, "purpose": purpose, **more})
        assert reply.status_code == 201, reply.json
        return reply.json

    return make


def path(url):
    return url.removeprefix(SITE)


def press(app, url, **more):
    """As a mailbox provider does: no cookie, no referrer, another site's request."""
    far = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mailbox.example.net"}
    return Browser(app).post(path(url), ONE_CLICK, headers=far, **more)


def plain(page):
    """A page less what is of this browser and this address."""
    return re.sub(r'name="csrf_token" value="[^"]*"|href="[^"]*" hreflang', "", page.text)


def tick(browser, url, *names, **fields):
    page = browser.get(path(url))
    token = next(f for f in forms_of(page) if f["action"] is None)["fields"]["csrf_token"]
    return browser.post(path(url), {"csrf_token": token, "no": list(names), **fields})


def test_a_sender_gets_both_links_and_the_headers(links, anna, shop):
    found = links(anna)
    assert found["headers"] == {
        "List-Unsubscribe": f"<{found['unsubscribe_url']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert found["unsubscribe_url"].startswith(f"{SITE}/unsubscribe/")
    assert found["preference_expires_at"] == shop.at(days=30)
    for named in (anna, anna[4:], "news", "anna"):
        assert named not in found["unsubscribe_url"]
        assert named not in found["preference_url"]


def test_one_click_withdraws_at_once_and_once(app, links, anna, shop):
    url = links(anna)["unsubscribe_url"]
    assert shop.reason(anna) == "consent_given"
    before = len(shop.history(anna))
    for _ in range(3):
        reply = press(app, url)
        assert (reply.status_code, "Location" in reply.headers) == (200, False)
        assert shop.reason(anna) == "withdrawn"
    assert len(shop.history(anna)) == before + 1
    assert shop.reason(anna, "offers", channel="email") == "consent_given"
    event = shop.history(anna)[-1]
    assert (event["event"], event["actor"], event["touchpoint"]) == (
        "withdrawn", "customer:link", "web",
    )  # fmt: skip


def test_a_body_of_parts_does_as_well(app, links, anna, shop):
    press(app, links(anna)["unsubscribe_url"], content_type="multipart/form-data")
    assert shop.reason(anna) == "withdrawn"


def test_the_touchpoint_of_mails_is_named_where_there_is_one(app, links, anna, shop):
    mail = {"key": "letter", "kind": "email", "text": {"en": "Mail", "ru": "Письмо"}}
    shop.load(touchpoints=[{"key": "web", "kind": "web", "text": mail["text"]}, mail])
    press(app, links(anna)["unsubscribe_url"])
    assert shop.history(anna)[-1]["touchpoint"] == "letter"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(app, links, anna, shop, method):
    found = links(anna)
    before = shop.counts()
    for url in (found["unsubscribe_url"], found["preference_url"]):
        assert app.test_client().open(path(url), method=method).status_code == 200
    assert shop.counts() == before
    assert shop.reason(anna) == "consent_given"


def test_a_person_presses_the_button(browser, links, anna, shop):
    page = browser.get(path(links(anna, "offers", channel="sms")["unsubscribe_url"]))
    assert "Stop these mails" in page.text
    done = browser.submit(page)
    assert "not write to you about this" in done.text
    assert shop.reason(anna, "offers", channel="sms") == "withdrawn"
    assert shop.reason(anna, "offers", channel="email") == "consent_given"


def test_no_channel_is_every_channel(app, links, anna, shop):
    press(app, links(anna, "offers")["unsubscribe_url"])
    found = {shop.reason(anna, "offers", channel=c) for c in ("email", "sms", "push")}
    assert found == {"withdrawn", "refused"}


def test_what_rests_on_interests_is_objected_to(app, links, anna, shop):
    press(app, links(anna, "printed")["unsubscribe_url"])
    assert shop.reason(anna, "printed") == "objected"


def test_the_same_use_has_the_same_link_for_ever(app, links, anna, shop, clock):
    first = links(anna)["unsubscribe_url"]
    clock.advance(timedelta(days=4_000))
    assert links(anna)["unsubscribe_url"] == first
    assert len(shop.rows("unsubscribe_links")) == 1
    assert links(anna, channel="email")["unsubscribe_url"] != first
    press(app, first)
    assert shop.reason(anna) == "withdrawn"


def test_it_outlives_every_key_of_the_service(app, links, anna, shop, clock, keyring):
    """With none of the keys there were, the link is still found: it hangs on none."""
    url = links(anna)["unsubscribe_url"]
    token = url.rpartition("/")[2]
    with app.app_context():
        mailing = service.find_unsubscribe(token)
        assert mailing.purpose == "news"
        preferences = links(anna)["preference_url"].rpartition("/")[2]
        assert service.find_preferences(preferences, clock(), keyring) == mailing.customer_id
        newer = keyring.with_new(KeyUse.INDEX, clock())
        assert service.find_preferences(preferences, clock(), newer) == mailing.customer_id
        others = keyrings.generate(clock())
        assert service.find_preferences(preferences, clock(), others) is None


def test_nothing_of_a_link_is_kept_in_the_clear(links, anna, shop):
    token = links(anna)["unsubscribe_url"].rpartition("/")[2]
    (row,) = shop.rows("unsubscribe_links")
    assert all(token.encode() not in value for value in row.values() if isinstance(value, bytes))


def test_a_link_of_nobody_answers_as_any_other(app, browser, links, anna, shop, clock):
    url = path(links(anna)["unsubscribe_url"])
    late = path(links(anna)["preference_url"])
    alike = [plain(browser.get(url)), plain(press(app, url))]
    with app.app_context():
        personal_data.erase([parse_customer_id(anna)], clock())
    assert shop.rows("unsubscribe_links") == []
    for other in (url, "/unsubscribe/" + "a" * 43, "/unsubscribe/%F0", "/unsubscribe/'--"):
        before = shop.counts()
        assert [plain(browser.get(other)), plain(press(app, other))] == alike
        assert shop.counts() == before
    gone = browser.get(late)
    made_up = browser.get("/preferences/" + "a" * 99)
    assert gone.status_code == made_up.status_code == 410
    assert plain(gone) == plain(made_up)


def test_a_merge_takes_links_along(app, links, anna, shop):
    other = shop.customer("other@example.org")
    found = links(anna)
    shop.merge(other, anna)
    assert shop.reason(other) == "consent_given"
    assert links(other)["unsubscribe_url"] != found["unsubscribe_url"]
    press(app, found["unsubscribe_url"])
    assert shop.reason(other) == "withdrawn"
    tick(Browser(app), found["preference_url"], "offers/sms")
    assert shop.reason(other, "offers", channel="sms") == "withdrawn"


def test_the_choices_by_link_take_a_no_and_no_yes(app, links, anna, shop):
    browser, url = Browser(app), links(anna)["preference_url"]
    page = browser.get(path(url))
    assert page.status_code == 200
    assert "anna" not in page.text.lower()
    assert anna not in page.text
    assert 'value="yes"' not in page.text
    assert 'value="orders/email"' not in page.text
    done = browser.follow(tick(browser, url, "offers/email"))
    assert "Your noes are saved" in done.text
    assert shop.reason(anna, "offers", channel="email") == "withdrawn"
    assert shop.reason(anna) == "consent_given"
    before = len(shop.history(anna))
    yes = {"ads": "yes", "offers/email": "yes", "all": "accept", "shown": "offers/email=-:"}
    tick(browser, url, "nothing", "orders/email", "ads/", **yes)
    assert len(shop.history(anna)) == before
    tick(browser, url, all="refuse")
    assert {event["event"] for event in shop.history(anna)[before:]} <= {
        "withdrawn", "refused", "objected",
    }  # fmt: skip
    assert shop.reason(anna) == "withdrawn"
    assert shop.reason(anna, "printed") == "objected"


def test_the_choices_by_link_end_after_thirty_days(app, links, anna, clock, shop):
    browser, url = Browser(app), links(anna)["preference_url"]
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    page = browser.get(path(url))
    assert page.status_code == 200
    clock.advance(timedelta(seconds=1))
    assert browser.get(path(url)).status_code == 410
    assert browser.submit(page, press={"all": "refuse"}).status_code == 410
    assert shop.reason(anna) == "consent_given"


def test_the_choices_by_link_take_no_form_of_another_site(app, links, anna, shop):
    url = path(links(anna)["preference_url"])
    assert Browser(app).post(url, {"all": "refuse"}).status_code == 403
    assert shop.reason(anna) == "consent_given"


def test_a_link_signs_nobody_in(app, links, anna):
    browser, found = Browser(app), links(anna)
    for url in (found["preference_url"], found["unsubscribe_url"]):
        browser.get(path(url))
        press(app, url)
    assert browser.get("/choices").headers["Location"].startswith("/sign-in")


def test_a_changed_token_leads_nowhere(app, links, anna):
    url = path(links(anna)["preference_url"])
    for at in range(14, len(url), 9):
        wrong = url[:at] + ("A" if url[at] != "A" else "B") + url[at + 1 :]
        assert Browser(app).get(wrong).status_code == 410


def test_the_history_says_that_it_was_by_link(app, clock, links, anna, shop):
    press(app, links(anna)["unsubscribe_url"])
    shown = Person(app, clock, anna).get("/choices/history/news").text
    assert "whoever had the link in a mail to you" in shown


def test_many_at_once(links, anna, shop):
    ben = shop.customer("ben@example.org")
    mailings = [
        {"customer_id": anna, "purpose": "news"},
        {"identifier": {"type": "email", "value": "BEN@example.org"}, "purpose": "offers"},
        {"customer_id": anna, "purpose": "news"},
    ]
    reply = shop.api.post(BASE, {"mailings": mailings})
    assert reply.status_code == 201
    one, two, three = [each["unsubscribe_url"] for each in reply.json["results"]]
    assert one == three == links(anna)["unsubscribe_url"] != two
    assert two == links(ben, "offers")["unsubscribe_url"]


@pytest.mark.parametrize(
    ("changes", "where", "code"),
    [
        ({"purpose": "nothing"}, "/purpose", "unknown_purpose"),
        ({"purpose": "orders"}, "/purpose", "not_refusable"),
        ({"purpose": "recalls"}, "/purpose", "not_refusable"),
        ({"channel": "sms"}, "/channel", "channel_not_declared"),
    ],
)
def test_what_could_not_be_refused_has_no_link(shop, anna, changes, where, code):
    body = {"customer_id": anna, "purpose": "news", **changes}
    assert fault(shop.api.post(BASE, body)) == (where, code)
    many = shop.api.post(BASE, {"mailings": [{"customer_id": anna, "purpose": "news"}, body]})
    assert fault(many) == ("/mailings/1" + where, code)


def test_of_strangers_there_are_none(shop):
    stranger = {"identifier": {"type": "email", "value": "no@example.org"}}
    for who in ({"customer_id": UNKNOWN}, stranger):
        assert shop.api.post(BASE, {**who, "purpose": "news"}).status_code == 404


def test_it_needs_its_scope(open_shop, shop, anna):
    body = {"customer_id": anna, "purpose": "news"}
    assert_needs_scope(open_shop, "consents:write", "POST", BASE, body)


def test_a_purpose_that_is_gone_is_nothing_to_stop(app, links, anna, shop):
    url = links(anna)["unsubscribe_url"]
    shop.load(*(p for p in PURPOSES if p["key"] != "news"))
    assert press(app, url).status_code == 200


def test_an_address_tries_so_often_and_no_more(app, browser):
    for _ in range(60):
        assert browser.get("/preferences/x").status_code == 410
    refused = browser.get("/preferences/x")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 60
    assert press(app, "/unsubscribe/x").status_code == 200  # a no has a budget of its own


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_pages_speak(app, links, anna, language):
    browser = Browser(app, language=language)
    for url in links(anna)["preference_url"], links(anna)["unsubscribe_url"]:
        assert f'<html lang="{language}"' in browser.get(path(url)).text
