"""Letters about requests: to people whose request takes longer or has ended, to officers about what
is due."""

from datetime import timedelta

import pytest

from consent_service.accounts import staff
from consent_service.accounts.jobs import key_of
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import parse_customer_id
from consent_service.mail import service as mail
from consent_service.privacy_requests import jobs, telling
from consent_service.privacy_requests.restriction import restrict_again
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support.erasing import Eraser
from tests.support.packages import Packing
from tests.support.portal import Person

both_stores = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough for most: the rest is what the store has a part in."""
    with request.getfixturevalue(f"{request.param}_stores").fresh() as url:
        yield url


@pytest.fixture
def desk(shop):
    return Eraser(shop)


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org", language="en")


@pytest.fixture
def officer(shop):
    """`officer(name, …)`: somebody of staff who gets letters."""

    def make(name, *roles, email=None):
        with shop.app.app_context():
            now = shop.clock()
            staff.create_staff(name, roles or ["officer"], SYSTEM, now, keys())
            staff.set_email(name, email or f"{name}@example.org", SYSTEM, now, keys())

    return make


def tell(shop):
    """The worker's part; the letters it wrote, the oldest first."""
    with shop.app.app_context():
        jobs.tell(shop.clock())
    return take(shop, "privacy_request_step")


def remind(shop):
    with shop.app.app_context():
        jobs.remind(shop.clock())
    return take(shop, "privacy_request_digest")


def take(shop, kind):
    """The letters of a kind, as if the mail server had taken them."""
    with shop.app.app_context():
        found = [each for each in mail.list_newest(key_of, 100) if each[0].kind == kind]
        for waiting, _ in found:
            assert mail.take_back(waiting.place, waiting.id)
    return [letter for _, letter in reversed(found)]


def subjects(shop):
    return [letter.subject for letter in tell(shop)]


# To people


@both_stores
def test_who_waits_longer_is_told_why_and_until_when(shop, desk, ann):
    request = desk.confirmed(ann)
    assert tell(shop) == []
    desk.act(request, "extend", reason="Six archives <b>are searched</b>.")
    (letter,) = tell(shop)
    assert (letter.to, letter.subject) == ("ann@example.org", "Your request takes longer")
    due = shop.clock() + timedelta(days=90)
    assert f"by {due.strftime('%B')} {due.day}, {due.year}." in letter.text
    assert "Six archives <b>are searched</b>." in letter.text
    assert "<b>" not in letter.html
    assert f"/requests/{request}\n" in letter.text
    assert tell(shop) == []


def test_who_is_refused_is_told_why_and_where_to_complain(shop, desk, ann):
    desk.act(desk.confirmed(ann), "reject", reason="We hold nothing.")
    (letter,) = tell(shop)
    assert letter.subject == "We do not grant your request"
    assert "We hold nothing." in letter.text
    assert "complain to the authority" in letter.text


@pytest.mark.parametrize("kind", ["objection", "restriction"])
def test_what_is_done_is_told_when_the_last_recipient_has_done_it(shop, desk, ann, kind):
    shop.say(ann, "given")
    shop.check(ann)
    desk.approved(ann, kind)
    assert tell(shop) == []
    desk.answer()
    desk.carry_out()
    (letter,) = tell(shop)
    assert letter.subject == "What you asked for is done"
    assert "complain" not in letter.text


def test_what_is_left_is_told(shop, desk, ann):
    request = desk.approved(ann, "rectification", note="It is Anne.")
    desk.act(request, "done", left="The paper file.")
    (letter,) = tell(shop)
    assert letter.subject == "Not all that you asked for could be done"
    assert "The paper file." in letter.text
    assert "It is Anne." not in letter.text


def test_who_cancelled_themselves_knows(shop, desk, clock, ann):
    first, second = desk.confirmed(ann, "rectification"), desk.confirmed(ann, "rectification")
    person = Person(shop.app, clock, ann)
    person.browser.submit(person.get(f"/requests/{first}"), f"/requests/{first}/cancel")
    assert desk.state(first) == "cancelled"
    assert tell(shop) == []
    desk.act(second, "cancel")
    assert subjects(shop) == ["Your request was cancelled"]


def test_an_erasure_and_a_package_have_letters_of_their_own(shop, desk, ann):
    packing = Packing(shop)
    assert desk.state(packing.ready(ann)) == "done"
    assert tell(shop) == []
    erasure = desk.approved(ann, "erasure")
    desk.run(erasure)
    assert desk.state(erasure) == "done"
    assert tell(shop) == []


def test_about_nobody_known_nobody_is_told(shop, desk):
    request = desk.ask("nobody@example.org")
    assert desk.state(request) == "rejected"
    assert tell(shop) == []


def test_who_has_no_address_is_not_written_to(shop, desk):
    request = desk.confirmed(shop.customer("+4915112345678"))
    desk.act(request, "reject", reason="x")
    assert tell(shop) == []
    assert [r["untold_since"] for r in shop.rows("privacy_requests")] == [None]


def test_a_replay_tells_nobody(shop, ann):
    with shop.app.app_context():
        assert restrict_again(parse_customer_id(ann), shop.clock(), keys())
    assert tell(shop) == []


def dying(site, now):
    """The worker is stopped before it commits."""
    with unit_of_work():
        assert telling.tell(site, now, keys()) == 1
        raise KeyboardInterrupt


def test_a_worker_that_dies_tells_it_later_and_once(shop, desk, ann):
    desk.act(desk.confirmed(ann), "reject", reason="x")
    with shop.app.app_context(), pytest.raises(KeyboardInterrupt):
        dying(jobs.site(), shop.clock())
    assert len(tell(shop)) == 1
    assert tell(shop) == []


@pytest.mark.parametrize("language", ["ru", "zh-Hans", "ar"])
def test_people_are_told_in_their_language(shop, desk, language):
    request = desk.confirmed(shop.customer("cem@example.org", language=language))
    desk.act(request, "extend", reason="x")
    (letter,) = tell(shop)
    assert letter.language == language
    assert "request" not in letter.subject


# To officers


@both_stores
def test_officers_get_one_letter_a_day_of_what_is_due(shop, desk, ann, officer):
    officer("olga")
    officer("paul", "agent", "auditor", "admin")
    request = desk.ask(ann, note="It is Anne.")
    assert remind(shop) == []
    shop.clock.advance(timedelta(days=23))
    (letter,) = remind(shop)
    assert letter.to == "olga@example.org"
    assert "Overdue: 0\n" in letter.text
    assert "Due in two days: 0\n" in letter.text
    assert "Due in seven days: 1\n" in letter.text
    assert f"{request} · " in letter.text
    assert "cut" not in letter.text
    for secret in ("ann@", "Anne", ann, "access", "/enrol/"):
        assert secret not in letter.text
    shop.clock.advance(timedelta(days=1) - timedelta(seconds=1))
    desk.ask(shop.customer(), "erasure")
    assert remind(shop) == []
    shop.clock.advance(timedelta(days=7))
    (letter,) = remind(shop)
    assert "Overdue: 1\n" in letter.text
    desk.act(request, "reject", reason="x")
    shop.clock.advance(timedelta(days=1))
    assert remind(shop) == []  # the other has time


def test_each_officer_has_a_letter_and_who_is_disabled_has_none(shop, desk, ann, officer):
    for name in ("olga", "paul", "rosa"):
        officer(name)
    with shop.app.app_context():
        staff.disable_staff("paul", SYSTEM, shop.clock())
        staff.set_email("rosa", None, SYSTEM, shop.clock(), keys())
    desk.ask(ann)
    shop.clock.advance(timedelta(days=31))
    assert [letter.to for letter in remind(shop)] == ["olga@example.org"]
    officer("sven")
    assert [letter.to for letter in remind(shop)] == ["sven@example.org"]


def test_a_long_list_is_cut_and_says_so(shop, desk, ann, officer, monkeypatch):
    monkeypatch.setattr(telling, "_LISTED", 2)
    officer("olga")
    first, second, third = (desk.ask(ann) for _ in range(3))
    shop.clock.advance(timedelta(days=29))
    (letter,) = remind(shop)
    assert "Due in two days: 3\n" in letter.text
    assert "The list is cut: these are the first 2." in letter.text
    assert first in letter.text
    assert second in letter.text
    assert third not in letter.text


def test_an_address_of_staff_is_sealed_and_checked(shop, officer):
    officer("olga", email="olga@example.org")
    assert "olga@" not in repr(shop.rows("staff"))
    assert "olga@" not in repr(shop.rows("ledger_entries"))
    with shop.app.app_context():
        for wrong in ("", "olga", "olga@example.org\nBcc: x@example.org", "a@b@example.org"):
            with pytest.raises(Invalid):
                staff.set_email("olga", wrong, SYSTEM, shop.clock(), keys())
        with pytest.raises(NotFound):
            staff.set_email("nobody", "x@example.org", SYSTEM, shop.clock(), keys())
        assert [each.has_email for each in staff.list_staff()] == [True]
