"""My choices: what is shown, what is recorded, and what a check is answered from then on."""

import json
import re
from datetime import timedelta

import pytest

from consent_service.consents import receipts
from consent_service.consents import service as consents
from consent_service.crypto import signing
from consent_service.kernel.ids import parse_customer_id
from consent_service.web.runtime import keys
from tests.support.portal import Person
from tests.support.small_catalogue import PURPOSES, opt_out, purpose

ALONE = [
    purpose("scores", channels=[], explicit=True),
    purpose("sharing", channels=[], separate=True),
]


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough here; `test_portal_stores.py` has what asks either."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def anna(shop):
    shop.load(*PURPOSES, *ALONE)
    return shop.customer("anna@example.org")


@pytest.fixture
def person(app, clock, anna):
    return Person(app, clock, anna)


@pytest.fixture
def events(app, anna):
    def listed():
        with app.app_context():
            found = consents.list_events(parse_customer_id(anna), None, 1_000).items
            return [(each.purpose, each.channel, each.kind.value) for each in found]

    return listed


def test_nothing_is_ticked_before_the_first_choice_and_each_state_is_said(person):
    assert person.ticked() == set()
    said = person.states()
    assert said["news--email"] == "You have not answered yet. It is not used."
    assert said["printed--post"] == "It is used."
    assert "orders--email" not in said


def test_a_yes_counts_at_the_next_check_and_a_no_at_the_one_after(person, shop, anna):
    saved = person.follow(person.choose({"news/email": "yes"}))
    assert "Your choices are saved" in saved.text
    assert shop.reason(anna, "news") == "consent_given"
    assert person.ticked() == {"news--email-yes"}
    person.follow(person.choose({"news/email": "no"}))
    assert shop.reason(anna, "news") == "withdrawn"
    assert person.states()["news--email"].startswith("You said no on March 2, 2026.")


def test_a_no_before_any_yes_is_a_refusal_and_of_an_interest_an_objection(
    person, shop, anna, clock
):
    person.choose({"news/email": "no", "printed/post": "no"})
    assert shop.reason(anna, "news") == "refused"
    assert shop.reason(anna, "printed", channel="post") == "objected"
    clock.advance(timedelta(seconds=1))
    person.choose({"printed/post": "yes"})
    assert shop.reason(anna, "printed", channel="post") == "legal_basis"


def test_what_needs_no_yes_cannot_be_switched(person, events):
    assert person.choose({"orders/email": "no", "recalls/email": "no"}).status_code == 303
    assert events() == []


def test_a_form_that_is_sent_twice_is_recorded_once(person, events):
    form = person.form()
    first = person.choose({"news/email": "yes", "ads": "no"}, form)
    second = person.choose({"news/email": "yes", "ads": "no"}, form)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(events()) == 2


def test_saving_nothing_changes_nothing(person, events):
    page = person.follow(person.choose({}))
    assert "nothing was changed" in page.text
    assert events() == []


def test_an_old_tab_takes_nothing_back(person, shop, anna, events):
    person.choose({"news/email": "yes"})
    old_tab = person.form()
    person.choose({"news/email": "no"})
    person.choose({"news/email": "yes", "ads": "no"}, old_tab)
    assert shop.reason(anna, "news") == "withdrawn"
    assert events()[-1] == ("ads", None, "refused")


def test_a_yes_in_an_old_tab_is_asked_again_and_a_no_counts(person, shop, anna, clock):
    old_tab = person.form()
    person.choose({"news/email": "no"})
    reply = person.choose({"news/email": "yes", "ads": "no"}, old_tab)
    assert reply.status_code == 409
    assert "Error:" in reply.text
    assert 'href="#news--email-yes"' in reply.text
    assert re.search(r'id="news--email-yes"[^>]* checked', reply.text)  # what was typed is kept
    assert shop.reason(anna, "news") == "refused"
    assert shop.reason(anna, "ads") == "refused"
    clock.advance(timedelta(seconds=1))
    assert person.choose({"news/email": "yes"}).status_code == 303
    assert shop.reason(anna, "news") == "consent_given"


def test_refuse_all_and_accept_all(person, shop, anna, events):
    page = person.follow(person.all("accept"))
    assert {(p, c) for p, c, _ in events()} == {
        ("news", "email"), ("texts", "sms"), ("offers", "email"), ("offers", "sms"),
        ("offers", "push"), ("ads", None),
    }  # fmt: skip
    assert "These we ask one by one" in page.text
    assert 'href="/choices#scores"' in page.text
    person.all("refuse")
    said = {(p, c) for p, c, kind in events() if kind in ("withdrawn", "refused", "objected")}
    assert said >= {("news", "email"), ("scores", None), ("sharing", None), ("printed", "post")}
    assert shop.reason(anna, "printed", channel="post") == "objected"
    assert shop.reason(anna, "orders", channel="email") == "legal_basis"


def test_what_is_asked_alone_takes_a_yes_of_its_own(person, shop, anna):
    person.choose({"scores": "yes"})
    assert shop.reason(anna, "scores") == "consent_given"


def test_the_language_that_was_shown_is_recorded(app, clock, shop, anna):
    Person(app, clock, anna, language="ru").choose({"news/email": "yes"})
    Person(app, clock, anna, language="ar").choose({"ads": "no"})  # shown in English: no Arabic
    with app.app_context():
        found = consents.list_events(parse_customer_id(anna), None, 10).items
    assert [each.language for each in found] == ["ru", "en"]
    assert [each.notice_version for each in found] == ["1", "1"]


def test_a_material_change_asks_again_and_shows_what_changed(person, shop, anna, clock):
    person.choose({"news/email": "yes"})
    clock.advance(timedelta(days=100))
    person.sign_in()
    page = person.get("/choices").text
    assert "so we ask you again" in page
    assert "<del>Notice 1</del>" in page
    assert "<ins>Notice 2</ins>" in page
    assert person.ticked() == set()
    assert shop.reason(anna, "news") == "notice_outdated"
    person.choose({"news/email": "yes"})
    assert shop.reason(anna, "news") == "consent_given"
    assert "so we ask you again" not in person.get("/choices").text


def test_a_page_of_before_the_change_gives_no_yes(person, shop, anna, clock):
    old = person.form()
    clock.advance(timedelta(days=100))
    person.sign_in()
    form = {**old, "csrf_token": person.form()["csrf_token"]}
    assert person.choose({"news/email": "yes"}, form).status_code == 409
    assert shop.reason(anna, "news") == "no_record"


def test_a_minor_change_informs(person, shop, anna):
    shop.say(anna, "given", notice_version="legacy")
    page = person.get("/choices").text
    assert "Your answer still holds" in page
    assert "<ins>Notice 1</ins>" in page
    assert person.ticked() == {"news--email-yes"}


def test_a_yes_that_ran_out_is_asked_again(person, shop, anna, clock):
    shop.load(purpose("news", validity_days=30))
    person.choose({"news/email": "yes"})
    clock.advance(timedelta(days=31))
    person.sign_in()
    assert person.states()["news--email"].startswith("Your yes ran out on April 1, 2026.")
    assert person.ticked() == set()


def test_somebody_too_young_can_say_no_alone(app, clock, shop, anna, events):
    child = shop.customer("child@example.org", age_band="13_15")
    person = Person(app, clock, child)
    page = person.get("/choices").text
    assert 'id="news--email-yes"' not in page
    assert 'id="news--email-no"' in page
    assert person.states()["news--email"] == "A parent or guardian has to say yes for you."
    assert person.choose({"news/email": "yes"}).status_code == 409
    person.all("accept")
    assert shop.reason(child, "news") == "guardian_required"
    assert person.choose({"news/email": "no"}).status_code == 303


def test_where_silence_is_a_yes_it_is_said(app, clock, shop):
    shop.load(purpose("news", regime=opt_out("US-CA")))
    person = Person(app, clock, shop.customer(jurisdiction="US-CA"))
    assert person.states()["news--email"] == "It is used unless you say no."
    assert person.ticked() == set()
    assert "as long as you do not say no" in person.get("/choices").text
    assert "Without your yes we do none of this" not in person.get("/choices").text
    person.choose({"news/email": "no"})
    assert "Without your yes we do none of this" in person.get("/choices").text


def test_where_an_interest_is_no_basis_it_is_asked(app, clock, shop, anna):
    person = Person(app, clock, shop.customer("in@example.org", jurisdiction="IN"))
    assert person.states()["printed--post"] == "You have not answered yet. It is not used."


def test_the_receipt_holds_what_was_saved(app, person, anna):
    at = person.choose({"news/email": "yes", "ads": "no"}).headers["Location"]
    reply = person.get(f"{at}/receipt")
    assert reply.headers["Content-Disposition"].startswith("attachment; filename=receipt-")
    found = json.loads(reply.data)
    assert found["reference"] in person.get(at).text
    fields = [each["fields"] for each in found["receipts"]]
    assert {each["pii_processing"]["purpose"] for each in fields} == {"news", "ads"}
    with app.app_context():
        for each in found["receipts"]:
            told = signing.verify(signing.jwks(keys()), each["jws"], receipts.JWS_TYPE)
            assert told == each["fields"]


def test_the_history_of_a_choice(person, shop, anna, clock):
    person.choose({"news/email": "yes"})
    clock.advance(timedelta(minutes=1))
    shop.say(anna, "withdrawn", touchpoint="store", agent="a-7")
    text = person.get("/choices/history/news").text
    assert text.index("No, withdrawn") < text.index("you, signed in")
    assert "store" in text
    assert "you, recorded by “shop”" in text
    assert "Notice 1" in text
    assert person.get("/choices/history/nothing").status_code == 404


def test_a_long_history_comes_in_pages(person, shop, anna, clock):
    for _ in range(25):
        clock.advance(timedelta(seconds=1))
        shop.say(anna, "withdrawn")
    first = person.get("/choices/history/news").text
    assert first.count("No, withdrawn</strong>") == 20
    older = re.search(r'href="(/choices/history/news\?cursor=[^"]+)"', first)[1]
    rest = person.get(older).text
    assert rest.count("No, withdrawn</strong>") == 5
    assert "Older" not in rest
    assert person.get("/choices/history/ads?cursor=x").status_code == 422


def test_nobody_sees_what_is_of_somebody_else(app, clock, person, shop):
    at = person.choose({"news/email": "yes"}).headers["Location"]
    other = Person(app, clock, shop.customer())
    for path in (at, f"{at}/receipt"):
        assert person.get(path).status_code == 200
        assert other.get(path).status_code == 404
    for made_up in ("x", "0" * 32, "../choices"):
        assert person.get(f"/choices/saved/{made_up}").status_code == 404


@pytest.mark.parametrize(
    "shown",
    [
        "=",
        "news/email",
        "news/email=q:x",
        "news/email=y",
        "news/email=y:-:1 " * 5_000,
        "\x00",
        "a=b=c",
    ],
)
def test_a_form_that_is_not_ours_is_no_yes(person, shop, anna, shown):
    form = {**person.form(), "shown": shown}
    reply = person.choose({"news/email": "yes"}, form)
    assert reply.status_code in (409, 413, 422)
    assert shop.reason(anna, "news") == "no_record"


def test_a_restricted_person_is_told(app, person, anna, clock):
    person.browser.post("/requests", {**person.form("/requests"), "kind": "restriction"})
    assert person.get("/requests").text.count("A stop to the use of the data about you") == 2
