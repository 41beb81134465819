"""The record of use, one's data, requests, apps, and what everybody may read."""

import re
from datetime import timedelta

import pytest

from consent_service.catalogue import service as catalogues
from consent_service.crypto import signing
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, ProfileValue
from consent_service.customers.normaliser import identifier
from consent_service.decisions.statements import JWS_TYPE
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import grant_service
from consent_service.oauth import service as oauth
from consent_service.oauth.model import ClientKind
from consent_service.web.runtime import keys
from tests.support import log
from tests.support.audiences import answered, ndjson, screen
from tests.support.oauth import REDIRECT, VERIFIER, challenge_of
from tests.support.packages import Packing
from tests.support.pages import Browser, forms_of
from tests.support.portal import Person
from tests.support.requests import Desk
from tests.support.small_catalogue import document


@pytest.fixture
def anna(shop, make_customer):
    found = make_customer(
        "anna@example.org",
        profile={"first_name": ProfileValue("Anna", "web_shop")},
        jurisdiction="DE",
    )
    return customer_id_text(found)


@pytest.fixture
def person(app, clock, anna):
    return Person(app, clock, anna)


# How it was used


def test_who_asked_is_told_with_the_answer(person, shop, anna):
    shop.check(anna, "news")
    shop.say(anna, "given")
    decision = shop.check(anna, "news")
    shop.api.post("/v1/disclosures", {
        "decision_id": decision["decision_id"], "data_categories": ["name"],
        "recipient": "mailer", "touchpoint": "web", "occurred_at": shop.at(),
    })  # fmt: skip
    text = person.get("/use").text
    assert "mailer used your data (name) for “news” by e-mail, as allowed." in text
    assert text.count("mailer asked whether they may use") >= 2
    assert "Without a yes from you it is not used." in text
    assert "Allowed: 2. Not allowed: 1." in text
    assert text.index(", as allowed.") < text.index(": not allowed.")


def test_the_newest_comes_first_in_pages_without_a_gap(person, shop, anna, clock):
    for at in range(45):
        clock.advance(timedelta(seconds=1))
        shop.check(anna, ["news", "ads", "recalls"][at % 3])
    seen, path = [], "/use"
    while path:
        text = person.get(path).text
        seen += re.findall(r"/use/([0-9a-f]{32})/statement", text)
        older = re.search(r'href="(/use\?[^"]*cursor=[^"]+)">Older', text)
        path = older and older[1].replace("&amp;", "&")
    assert len(seen) == 45
    assert seen == sorted(seen, reverse=True)


def test_filters(person, shop, anna, clock):
    shop.check(anna, "news")
    shop.check(anna, "recalls")
    clock.advance(timedelta(days=2))
    person.sign_in()
    shop.check(anna, "ads")

    def told(**query):
        text = person.browser._open("GET", "/use", query_string=query).text
        return re.findall(r"<p>[^<]*for “(\w+)”", text)

    assert told(purpose="news") == ["news"]
    assert told(recipient="broker") == ["ads"]
    assert told(outcome="permit") == ["recalls"]
    assert told(to="2026-03-02") == ["recalls", "news"]
    assert told(**{"from": "2026-03-03"}) == ["ads"]
    assert told(kind="disclosure") == []
    assert told(purpose="made up", recipient="<b>") == ["ads", "recalls", "news"]


@pytest.mark.parametrize("day", ["x", "2026-02-30", "0000-01-01", "9999-12-31", "2026-1-1' OR 1"])
def test_a_day_that_is_none_is_said(person, day):
    reply = person.browser._open("GET", "/use", query_string={"from": day})
    assert reply.status_code == 422
    assert "Write a day as year, month and day" in reply.text


def test_the_audience_one_was_in(person, shop, anna):
    shop.say(anna, "given")
    other = shop.customer()
    reply = shop.api.post(
        "/v1/screenings?purpose=news&recipient=mailer",
        data=f'{{"customer_id":"{anna}"}}\n{{"customer_id":"{other}"}}\n',
        content_type="application/x-ndjson",
    )
    assert reply.status_code == 200, reply.text
    text = person.get("/use?kind=screening").text
    assert "you were among them" in text


def test_what_the_audience_was_used_for(app, clock, person, shop, anna):
    shop.say(anna, "given")
    made = answered(screen(shop, ndjson(anna)))[1]["screening_id"]
    shop.api.post("/v1/disclosures", {
        "screening_id": made, "data_categories": ["name"], "recipient": "mailer",
        "touchpoint": "web", "occurred_at": shop.at(),
    })  # fmt: skip
    text = person.get("/use?kind=disclosure").text
    assert "as allowed: you were among the people chosen." in text
    assert "You had said yes." in text
    assert "screened" not in text
    (shown,) = re.findall(r'class="reference">([^<]+)<', text)
    assert shown.replace("-", "").lower() == made[-12:]
    assert shown in person.get("/use?kind=screening").text
    arabic = Person(app, clock, anna, language="ar").get("/use?kind=disclosure").text
    assert "كنت من بين الأشخاص المختارين" in arabic


PROGRESS = [
    ("done", None, "confirmed: done"),
    ("nothing_held", None, "confirmed: holds nothing about you"),
    ("not_done", "legal_obligation", "refused"),
    (None, None, "never answered; we no longer wait"),
]


@pytest.mark.parametrize(("outcome", "why", "said"), PROGRESS)
def test_how_far_each_recipient_is(person, shop, open_shop, anna, clock, outcome, why, said):
    shop.say(anna, "given")
    shop.check(anna)
    desk = Desk(shop)
    request = desk.confirmed(anna, "objection")
    assert desk.act(request, "approve").status_code == 200
    desk.carry_out()
    page = f"/requests/{request}"
    assert "being told" in person.get(page).text
    clock.advance(timedelta(hours=76))
    person.sign_in()
    assert "overdue: no answer for more than 75 hours" in person.get(page).text
    if outcome is None:
        desk.act(request, "settle", recipient="mailer")
    else:
        mailer = open_shop("mailer", ["recipients:confirm"], ["mailer"])
        (task,) = mailer.api.get("/v1/requests-for-me").json["items"]
        body = {"outcome": outcome} | ({"words": why} if why else {})
        reply = mailer.api.post(f"/v1/requests-for-me/{task['id']}/confirm", body)
        assert reply.status_code == 200, reply.json
    text = person.get(page).text
    assert f">{said}</span>" in text
    assert "answered " in text
    assert ("The law obliges them to keep it." in text) == bool(why)


def test_a_signed_answer_is_ones_own(app, clock, person, shop, anna):
    shop.check(anna, "recalls")
    path = re.search(r'href="(/use/[0-9a-f]+/statement)"', person.get("/use").text)[1]
    statement = person.get(path)
    with app.app_context():
        told = signing.verify(signing.jwks(keys()), statement.text, JWS_TYPE)
    assert (told["customer_id"], told["outcome"], told["purpose"]) == (anna, "permit", "recalls")
    assert Person(app, clock, shop.customer()).get(path).status_code == 404
    assert person.get("/use/x/statement").status_code == 404


# My data


def test_what_is_held_and_where_from(person):
    text = person.get("/data").text
    for told in ("anna@example.org", "First name", "Anna", "Web shop", "Germany"):
        assert told in text


def test_one_corrects_what_one_may(person, app, anna):
    form = person.form("/data/correct")
    reply = person.browser.post(
        "/data/correct", {**form, "profile.first_name": "Änne", "language": "ru"}
    )
    assert reply.headers["Location"] == "/data?changed=1"
    text = person.follow(reply).text
    assert "Änne" in text
    assert "Русский" in text


def test_what_one_may_not_change_becomes_a_request(person):
    form = {**person.form("/data/correct"), "note": "I have moved to <b>France</b>."}
    page = person.follow(person.browser.post("/data/correct", form))
    assert "We have received your request" in page.text
    assert "&lt;b&gt;France" in page.text
    assert "A correction of the data about you" in page.text


def test_nobody_adds_a_field_or_changes_what_finds_them(person, app, anna):
    form = {
        **person.form("/data/correct"),
        "profile.made_up": "x", "email": "e@example.org", "jurisdiction": "US", "age_band": "adult",
    }  # fmt: skip
    assert person.browser.post("/data/correct", form).headers["Location"] == "/data"
    text = person.get("/data").text
    assert "e@example.org" not in text
    assert "Made up" not in text


def test_two_who_correct_at_once_do_not_overwrite(person, shop, anna):
    form = person.form("/data/correct")
    shop.say(anna, "given")
    reply = person.browser.post("/data/correct", {**form, "profile.first_name": "Annika"})
    assert reply.status_code == 422
    assert 'value="Annika"' in reply.text
    again = {**forms_of(reply)[-1]["fields"], "profile.first_name": "Annika"}
    assert person.browser.post("/data/correct", again).status_code == 303


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 30, "²"])
def test_a_revision_made_up_changes_nothing(person, revision):
    form = {**person.form("/data/correct"), "revision": revision, "profile.first_name": "X"}
    assert person.browser.post("/data/correct", form).status_code == 422


def test_too_long_is_said(person):
    form = {**person.form("/data/correct"), "profile.first_name": "x" * 501, "note": "y" * 4_001}
    reply = person.browser.post("/data/correct", form)
    assert reply.status_code == 422
    assert 'href="#profile.first_name"' in reply.text
    assert 'href="#note"' in reply.text


# Requests


def test_a_copy_is_asked_for_after_a_fresh_sign_in(person, clock):
    form = {**person.form("/data/download"), "kind": "access"}
    page = person.follow(person.browser.post("/data/download", form))
    assert "Our staff are looking at it" in page.text
    assert "We must answer by" in page.text
    again = person.browser.post("/data/download", form)
    assert person.get("/requests").text.count("A copy of the data about you") == 1
    assert again.status_code == 303
    clock.advance(timedelta(minutes=6))
    assert "Sign in once more" in person.get("/data/download").text
    stale = person.browser.post("/data/download", {**form, "kind": "portability"})
    assert stale.headers["Location"] == "/sign-in?next=%2Fdata%2Fdownload"
    assert "Your data in a form" not in person.get("/requests").text


def test_a_package_is_fetched_once_after_a_fresh_sign_in(person, shop, anna, clock):
    packing = Packing(shop)
    at = f"/requests/{packing.ready(anna)}"
    person.sign_in()
    assert "Your copy is ready" in person.get(at).text
    form = {"csrf_token": person.form("/requests")["csrf_token"]}
    clock.advance(timedelta(minutes=6))
    assert "Sign in once more" in person.get(at).text
    assert person.browser.post(at, form).headers["Location"].startswith("/sign-in?next=")
    person.sign_in()
    form = {"csrf_token": person.form("/requests")["csrf_token"]}
    stranger = Person(person.app, clock, shop.customer())
    theirs = {"csrf_token": stranger.form("/requests")["csrf_token"]}
    assert stranger.browser.post(at, theirs).status_code == 404
    reply = person.browser.post(at, form)
    assert reply.headers["Content-Type"] == "application/zip"
    assert reply.data.startswith(b"PK")
    assert "Your copy was downloaded" in person.get(at).text
    assert person.browser.post(at, form).status_code == 404


def test_deleting_restricts_at_once_and_cancelling_lifts_that(person, shop, anna, clock):
    shop.say(anna, "given")
    assert "3 years" in person.get("/data/delete").text
    form = {**person.form("/data/delete"), "kind": "erasure"}
    at = person.browser.post("/data/delete", form).headers["Location"].partition("?")[0]
    assert shop.reason(anna) == "restricted"
    assert "restricted because you asked" in person.get("/choices").text
    cancelled = person.browser.submit(person.get(at), f"{at}/cancel")
    assert "Cancelled" in person.follow(cancelled).text
    assert shop.reason(anna) == "consent_given"
    again = person.browser.post(f"{at}/cancel", form)
    assert again.status_code == 409


def test_nobody_reaches_a_request_of_somebody_else(app, clock, person, shop, anna):
    form = {**person.form("/data/delete"), "kind": "erasure"}
    at = person.browser.post("/data/delete", form).headers["Location"].partition("?")[0]
    other = Person(app, clock, shop.customer())
    assert other.get(at).status_code == 404
    mine = other.form("/requests")
    assert other.browser.post(f"{at}/cancel", mine).status_code == 404
    assert shop.reason(anna) == "restricted"
    assert person.get("/requests/req_made_up").status_code == 404


def test_a_kind_that_a_page_does_not_offer_is_not_taken(person):
    form = person.form("/requests")
    for path in ("/requests", "/data/download", "/data/delete"):
        assert person.browser.post(path, {**form, "kind": "rectification"}).status_code == 404
    assert person.browser.post("/requests", {**form, "kind": "erasure"}).status_code == 404


# Apps


def test_an_app_loses_its_access(app, clock, person, anna, shop):
    with app.app_context():
        oauth.create_client(
            "club", "Club <b>", frozenset({"customers:read"}), (), SYSTEM, clock(),
            kind=ClientKind.APP, redirect_uris=(REDIRECT,),
        )  # fmt: skip
        who = customers.find_by_identifier(
            identifier(IdentifierType.EMAIL, "anna@example.org"), keys()
        )
        grant_service.allow(
            "club", who, REDIRECT, frozenset({"customers:read"}), challenge_of(VERIFIER), str,
            clock(),
        )  # fmt: skip
    text = person.get("/account/apps").text
    assert "Club &lt;b&gt;" in text
    assert "see your profile" in text
    form = {**person.form("/account/apps"), "app": "club"}
    for _ in range(2):
        assert person.browser.post("/account/apps", form).status_code == 303
    assert "ended" in person.get("/account/apps").text
    assert person.browser.post("/account/apps", {**form, "app": "nobody"}).status_code == 303
    logged = [row for row in shop.rows("ledger_entries") if row["client_id"] == "club"]
    assert [(row["customer_id"], row["kind"], row["reason"]) for row in logged] == [
        (who, "customer", "app_allowed"), (who, "customer", "app_ended"),
    ]  # fmt: skip
    with app.app_context():
        log.seal()
    told = [item for item in shop.api.get("/v1/changes").json["items"] if "app" in item["type"]]
    assert [item["type"] for item in told] == ["customer.app_allowed", "customer.app_ended"]


# What everybody may read


def test_everything_of_the_catalogue_is_public(app, shop, browser):
    text = browser.get("/privacy").text
    with app.app_context():
        catalogue = catalogues.current()
    for purpose in catalogue.purposes.values():
        assert f'id="{purpose.key}"' in text
    for told in ("Web shop", "mailer", "Germany", "2 years", "Notice 1", "dpo@example.org"):
        assert told in text
    assert "My data" not in text


def test_nothing_is_loaded_from_elsewhere_and_no_page_is_heavy(person):
    for path in ("/choices", "/use", "/data", "/requests", "/privacy", "/account"):
        page = person.get(path)
        links = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
        assert [link for link in links if not link.startswith(("/", "#", "data:,"))] == []
        style = person.get(re.search(r'href="(/assets/[^"]+\.css)"', page.text)[1])
        assert len(page.data) + len(style.data) < 150_000
        assert "style=" not in page.text
        assert "<script" not in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


def test_no_address_holds_anything_personal(person, anna, shop):
    person.choose({"news/email": "yes"})
    shop.check(anna)
    for path in ("/choices", "/choices/history/news", "/use", "/data", "/requests", "/account"):
        for link in re.findall(r'(?:href|action|value)="([^"]*)"', person.get(path).text):
            assert "anna" not in link.lower() or path == "/data"
            assert anna not in link
            assert anna.removeprefix("cus_") not in link


def test_the_logo_and_the_accent_are_the_controllers(shop, browser):
    svg = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQvPjwvc3ZnPg=="
    logo = f"data:image/svg+xml;base64,{svg}"
    controller = {**document()["controller"], "accent_colour": "#7a0019", "logo": logo}
    shop.load(controller=controller)
    page = browser.get("/privacy").text
    at = re.search(r'<img src="(/assets/[0-9a-f]+/logo)" alt="">', page)[1]
    picture = browser.get(at)
    assert picture.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    style = browser.get(re.search(r'href="(/assets/[^"]+\.css)"', page)[1])
    assert "--accent: #7a0019;" in style.text
    assert "immutable" in style.headers["Cache-Control"]
    assert "immutable" not in browser.get("/assets/0/site.css").headers["Cache-Control"]


def test_a_stranger_is_led_to_the_sign_in(app):
    for path in ("/choices", "/use", "/data", "/data/delete", "/requests", "/account/apps"):
        reply = Browser(app).get(path)
        assert reply.status_code == 303
        assert reply.headers["Location"].startswith("/sign-in?next=")


def test_hostile_words_stay_words(app, clock, shop, make_customer):
    words = '"><script>alert(1)</script>{{ 7*7 }}'
    found = make_customer("x@example.org", profile={"first_name": ProfileValue(words, None)})
    person = Person(app, clock, customer_id_text(found))
    for path in ("/data", "/data/correct"):
        text = person.get(path).text
        assert "<script" not in text
        assert "{{ 7*7 }}" in text
