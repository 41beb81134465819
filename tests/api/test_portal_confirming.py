"""Double opt-in: a letter to the address on file, a page that changes nothing, a button."""

from datetime import timedelta

import pytest

from consent_service.accounts import jobs
from consent_service.consents import jobs as consents_jobs
from consent_service.mail import service as mail
from tests.support.pages import Browser, links_in
from tests.support.portal import Person
from tests.support.small_catalogue import PURPOSES, purpose


@pytest.fixture
def anna(shop):
    return shop.customer("anna@example.org")


@pytest.fixture
def person(app, clock, anna):
    return Person(app, clock, anna)


@pytest.fixture
def letters(app, clock):
    """`letters()`: the worker writes what is to be written; the letters that wait."""

    def work():
        with app.app_context():
            consents_jobs.send_confirmations(clock())
            return [letter for _, letter in mail.list_newest(jobs.key_of, 100)]

    return work


@pytest.fixture
def link(person, letters):
    person.choose({"texts/sms": "yes"})
    return link_of(letters()[0])


def link_of(letter):
    return next(path for path in links_in(letter.text) if path.startswith("/choices/confirm/"))


def test_a_yes_waits_until_it_is_confirmed(person, shop, anna, link, browser, clock):
    assert shop.reason(anna, "texts") == "requested"
    assert person.ticked() == {"texts--sms-yes"}
    assert person.states()["texts--sms"].startswith("It waits for you")
    for _ in range(2):  # programs that read mails open links too
        page = browser.get(link)
        assert page.status_code == 200
        assert "texts" in page.text
    assert shop.reason(anna, "texts") == "requested"
    clock.advance(timedelta(hours=1))
    done = browser.follow(browser.submit(page))
    assert "Your yes counts now" in done.text
    assert shop.reason(anna, "texts") == "consent_given"
    assert browser.get(link).status_code == 410
    assert browser.submit(page).status_code == 410


def test_the_confirmed_yes_says_what_was_shown_and_how(shop, anna, link, browser):
    browser.submit(browser.get(link))
    asked, given = shop.history(anna)
    assert (asked["event"], given["event"]) == ("requested", "given")
    assert given["notice_version"] == asked["notice_version"] == "1"
    assert given["language"] == asked["language"] == "en"


def test_a_yes_over_the_api_is_confirmed_alike(shop, anna, letters, browser):
    shop.say(anna, "given", "texts")
    (letter,) = letters()
    assert letter.to == "anna@example.org"
    browser.submit(browser.get(link_of(letter)))
    assert shop.reason(anna, "texts") == "consent_given"


def test_the_letter_is_in_the_language_of_the_choice(app, clock, anna, letters):
    Person(app, clock, anna, language="ru").choose({"texts/sms": "yes"})
    (letter,) = letters()
    assert (letter.language, letter.subject) == ("ru", "Подтвердите своё согласие")


def test_a_no_since_leaves_nothing_to_confirm(person, shop, anna, link, browser, clock):
    page = browser.get(link)
    clock.advance(timedelta(seconds=1))
    person.choose({"texts/sms": "no"})
    assert browser.submit(page).status_code == 410
    assert browser.get(link).status_code == 410
    assert shop.reason(anna, "texts") == "withdrawn"


def test_a_link_lasts_seven_days(browser, link, clock, app):
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert browser.get(link).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert browser.get(link).status_code == 410
    with app.app_context():
        assert consents_jobs.delete_expired(clock()) == 1


def test_a_link_of_before_a_material_change_confirms_nothing(browser, link, clock, shop):
    shop.load(*(p | {"notice": "notice"} for p in PURPOSES), notices=[
        {"key": "notice", "version": v, "change": c, "in_use_from": at,
         "text": {"en": f"Notice {v}", "ru": f"Notice {v} (ru)"}}
        for v, c, at in (
            ("legacy", "material", "2000-01-01T00:00:00Z"),
            ("1", "minor", "2026-01-01T00:00:00Z"),
            ("1b", "material", "2026-03-03T00:00:00Z"),
            ("2", "material", "2026-06-01T00:00:00Z"),
        )
    ])  # fmt: skip
    clock.advance(timedelta(days=1))
    assert browser.get(link).status_code == 410


def test_the_mail_is_sent_again_but_not_at_once(person, letters, link, clock, browser):
    again = {**person.form(), "use": "texts/sms"}
    assert person.browser.post("/choices/again", again).headers["Location"] == "/choices?sent=0"
    assert len(letters()) == 1
    clock.advance(timedelta(minutes=6))
    assert person.browser.post("/choices/again", again).headers["Location"] == "/choices?sent=1"
    assert len(letters()) == 2
    browser.submit(browser.get(link))  # the first still works
    assert person.browser.post("/choices/again", again).headers["Location"] == "/choices?sent=0"


def test_a_mailbox_is_not_filled(shop, anna, letters, clock):
    for _ in range(15):
        clock.advance(timedelta(minutes=1))
        shop.say(anna, "given", "texts")
        letters()
    assert len(letters()) == 10


@pytest.mark.parametrize("use", ["", "nothing", "news/email", "texts/fax", "texts/sms"])
def test_what_does_not_wait_is_not_sent_again(person, letters, use):
    again = {**person.form(), "use": use}
    reply = person.browser.post("/choices/again", again)
    assert reply.headers.get("Location") == "/choices?sent=0" or reply.status_code == 404
    assert letters() == []


def test_whoever_has_no_address_gets_no_letter(app, clock, shop, letters):
    nobody = shop.customer("4711")
    Person(app, clock, nobody).choose({"texts/sms": "yes"})
    assert letters() == []
    assert shop.reason(nobody, "texts") == "requested"


def test_a_link_made_up_is_none(browser):
    for token in ("x", "a" * 43, "%00"):
        assert browser.get(f"/choices/confirm/{token}").status_code in (404, 410)


def test_another_browser_may_confirm_since_mails_are_read_anywhere(app, link, shop, anna):
    phone = Browser(app)
    assert phone.submit(phone.get(link)).status_code == 303
    assert shop.reason(anna, "texts") == "consent_given"


def test_a_merge_ends_links(shop, anna, link, browser):
    shop.merge(shop.customer("other@example.org"), anna)
    assert browser.get(link).status_code == 410
    assert shop.rows("consent_confirmation_links") == []


def test_an_import_sends_no_letters(shop, anna, app, clock, letters):
    shop.load(purpose("texts", channels=["sms"], confirmation="double"))
    shop.say(anna, "withdrawn", "texts")
    assert letters() == []
