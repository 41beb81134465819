"""A restriction is lifted: after the person was told, and not before."""

from datetime import timedelta

import pytest

from consent_service.accounts.jobs import key_of
from consent_service.customers import key_store
from consent_service.kernel.ids import parse_customer_id
from consent_service.mail import service as mail
from consent_service.mail import store as mail_store
from consent_service.privacy_requests import lifting
from consent_service.privacy_requests.restriction import restrict_again
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support.erasing import Eraser
from tests.support.portal import Person
from tests.support.problems import fault
from tests.support.requests import BASE

WEEK = timedelta(days=7)
WRONG = (409, "request_state")
WHY = "The claim is settled."


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
    customer = shop.customer("ann@example.org", language="en")
    shop.say(customer, "given")
    return customer


@pytest.fixture
def stop(desk, ann):
    """The id of a request by which Ann's data is restricted."""
    return stopped(desk, ann)


def stopped(desk, who):
    request = desk.approved(who, "restriction")
    desk.answer()
    desk.carry_out()
    assert desk.state(request) == "done"
    return request


def refused(reply):
    return reply.status_code, reply.json["code"]


def letters(shop):
    """The letters about lifts that wait: (waiting, letter), the oldest first."""
    with shop.app.app_context():
        found = mail.list_newest(key_of, 100)
    return [each for each in reversed(found) if each[0].kind == "restriction_lift"]


def send(shop):
    """As if the mail server had taken them; their texts."""
    found = letters(shop)
    with shop.app.app_context(), unit_of_work() as tx:
        for waiting, _ in found:
            mail_store.delete_one(tx, waiting.place, waiting.id)
    return [letter.subject for _, letter in found]


def work(shop, *, has_mailbox=False):
    with shop.app.app_context():
        return lifting.lift_due(shop.clock(), keys(), has_mailbox=has_mailbox)


def dying(now):
    """The worker is stopped before it commits."""
    with unit_of_work():
        assert lifting.lift_due(now, keys(), has_mailbox=False) == 1
        raise KeyboardInterrupt


@both_stores
def test_it_is_lifted_a_week_after_the_person_was_told(shop, desk, ann, stop):
    assert fault(desk.act(stop, "lift"))[0] == "/reason"
    reply = desk.act(stop, "lift", reason=WHY)
    assert (reply.status_code, reply.json["lift_at"]) == (200, shop.at(days=7))
    assert (reply.json["state"], reply.json["restricts"]) == ("done", True)
    ((_, letter),) = letters(shop)
    assert letter.to == "ann@example.org"
    assert WHY in letter.text
    assert f"/requests/{stop}" in letter.text
    assert (shop.clock() + WEEK).strftime("%B") in letter.text
    send(shop)
    shop.clock.advance(WEEK - timedelta(seconds=1))
    assert work(shop) == 0
    assert shop.reason(ann) == "restricted"
    shop.clock.advance(timedelta(seconds=1))
    assert work(shop) == 1
    assert shop.reason(ann) == "consent_given"
    shown = desk.show(stop)
    assert (shown["state"], shown["restricts"], shown["lift_at"]) == ("done", False, None)
    announced, lifted = shown["steps"][-2:]
    assert (announced["step"], announced["words"], announced["reason"]) == (
        "lift_announced", "letter", WHY,
    )  # fmt: skip
    assert announced["actor"].startswith("client:")
    assert (lifted["step"], lifted["actor"]) == ("lifted", "system:consent")
    assert work(shop) == 0
    logged = [r for r in shop.rows("ledger_entries") if r["kind"] == "privacy_request"]
    assert [r["outcome"] for r in logged][-2:] == ["lift_announced", "lifted"]


def test_it_is_not_lifted_before_the_letter_has_gone(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    shop.clock.advance(WEEK * 3)
    assert work(shop) == 0
    assert shop.reason(ann) == "restricted"
    assert work(shop, has_mailbox=True) == 1
    assert shop.reason(ann) == "consent_given"


class Refusing:
    """A mail server that will never take a letter."""

    def __init__(self):
        self.asked = []

    def send(self, letter, letter_id):
        self.asked.append(letter_id)
        raise mail.Refused(for_good=True)

    def close(self):
        """There is nothing to end."""


def test_a_letter_that_is_refused_for_good_holds_the_lift(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    ((lift, _),) = letters(shop)
    server = Refusing()
    for _ in range(3):
        with shop.app.app_context():
            mail.deliver(server, key_of, shop.clock())
        shop.clock.advance(WEEK)
    assert server.asked.count(lift.id) == 1
    assert work(shop) == 0
    assert shop.reason(ann) == "restricted"
    desk.act(stop, "cancel-lift")
    ((_, letter),) = letters(shop)
    assert letter.subject == "The stop to the use of your data stays"
    match = {"If-Match": f'"{shop.revision(ann)}"'}
    reply = shop.api.patch(f"/v1/customers/{ann}", {"identifiers": []}, headers=match)
    assert reply.status_code == 200
    assert desk.act(stop, "lift", reason=WHY, told="post").json["steps"][-1]["words"] == "post"
    shop.clock.advance(WEEK)
    assert work(shop) == 1


def test_whoever_has_no_address_is_told_by_staff_first(shop, desk):
    bob = shop.customer("+4915112345678")
    shop.say(bob, "given")
    request = stopped(desk, bob)
    assert fault(desk.act(request, "lift", reason=WHY)) == ("/told", "required")
    assert desk.show(request)["lift_at"] is None
    assert fault(desk.act(request, "lift", reason=WHY, told="letter"))[0] == "/told"
    reply = desk.act(request, "lift", reason=WHY, told="phone")
    assert reply.json["steps"][-1]["words"] == "phone"
    assert letters(shop) == []
    shop.clock.advance(WEEK)
    assert work(shop) == 1
    assert shop.reason(bob) == "consent_given"


@pytest.mark.parametrize("sent", [True, False])
def test_a_lift_is_cancelled_and_who_read_of_it_is_told(shop, desk, ann, stop, sent):
    assert refused(desk.act(stop, "cancel-lift")) == WRONG
    desk.act(stop, "lift", reason=WHY)
    assert refused(desk.act(stop, "lift", reason=WHY)) == WRONG
    if sent:
        send(shop)
    reply = desk.act(stop, "cancel-lift", reason="It is not settled.")
    assert (reply.json["lift_at"], reply.json["restricts"]) == (None, True)
    assert send(shop) == (["The stop to the use of your data stays"] if sent else [])
    shop.clock.advance(WEEK)
    assert work(shop) == 0
    assert shop.reason(ann) == "restricted"
    desk.act(stop, "lift", reason=WHY)
    assert desk.steps(stop)[-3:] == ["lift_announced", "lift_cancelled", "lift_announced"]


@both_stores
def test_a_letter_that_may_have_gone_is_taken_back_by_another(shop, desk, stop):
    desk.act(stop, "lift", reason=WHY)
    ((waiting, _),) = letters(shop)
    with shop.app.app_context(), unit_of_work() as tx:
        assert mail_store.put_off(tx, waiting, 1, shop.clock() + WEEK)
    desk.act(stop, "cancel-lift")
    assert send(shop) == ["The stop to the use of your data stays"]


def test_what_restricts_nothing_is_not_lifted(shop, desk, ann):
    access, erasure = desk.approved(ann), desk.confirmed(ann, "erasure")
    running = desk.approved(ann, "restriction")
    for request in (access, erasure, running):
        assert refused(desk.act(request, "lift", reason=WHY)) == WRONG
    assert refused(shop.api.post(f"{BASE}/req_made_up/lift", {"reason": WHY}))[0] == 404


@both_stores
def test_who_asks_again_meanwhile_stays_restricted(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    send(shop)
    again = desk.ask(ann, "restriction")
    shop.clock.advance(WEEK)
    assert work(shop) == 0  # not decided yet
    desk.act(again, "approve", identity="document")
    desk.answer()
    desk.carry_out()
    assert work(shop) == 1
    assert shop.reason(ann) == "restricted"
    assert desk.show(stop)["steps"][-1]["words"] == "held_by_another"
    desk.act(again, "lift", reason=WHY)
    send(shop)
    shop.clock.advance(WEEK)
    assert work(shop) == 1
    assert shop.reason(ann) == "consent_given"


def ended(shop, desk, request):
    """Announces the end of a stop, and has it come."""
    assert desk.act(request, "lift", reason=WHY).status_code == 200
    send(shop)
    shop.clock.advance(WEEK)
    assert work(shop) == 1


def waiting(desk):
    return [(task["recipient"], task["kind"]) for task in desk.waiting()]


@both_stores
def test_whoever_was_told_of_a_stop_is_told_of_its_end(shop, desk, ann, stop):
    ended(shop, desk, stop)
    (task,) = desk.waiting()
    assert (task["recipient"], task["kind"]) == ("mailer", "restriction_end")
    assert task["customer_ids"] == [ann]
    assert task["answer_by"] == shop.at(hours=75)
    shown = desk.show(stop)
    assert [(r["kind"], r["outcome"]) for r in shown["recipients"]] == [
        ("restriction", "done"), ("restriction_end", None),
    ]  # fmt: skip
    assert (shown["state"], shown["waits_for"]) == ("done", None)
    desk.answer(outcome="not_done", words="not_possible")
    desk.carry_out()
    assert (waiting(desk), desk.state(stop)) == ([], "done")
    page = Person(shop.app, shop.clock, ann).get(f"/requests/{stop}").text
    assert "The stop has ended. It was not possible for them." in page
    assert work(shop) == 0
    assert waiting(desk) == []


def test_of_two_stops_the_end_of_the_last_is_told_and_so_is_a_third(shop, desk, ann, stop):
    second = stopped(desk, ann)
    ended(shop, desk, stop)
    assert waiting(desk) == []
    ended(shop, desk, second)
    assert waiting(desk) == [("mailer", "restriction_end")]
    desk.answer()
    ended(shop, desk, stopped(desk, ann))
    assert waiting(desk) == [("mailer", "restriction_end")]


def test_an_end_that_nobody_confirms_is_settled(shop, desk, ann, stop):
    ended(shop, desk, stop)
    for _ in range(2):
        assert desk.act(stop, "settle", recipient="mailer").json["outcome"] == "settled"
    assert waiting(desk) == []
    outcomes = [each["outcome"] for each in desk.show(stop)["recipients"]]
    assert (desk.state(stop), outcomes) == ("done", ["done", "settled"])


def test_of_the_erased_no_end_waits(shop, desk, ann, stop):
    ended(shop, desk, stop)
    desk.erased(desk.approved(ann, "erasure"))
    assert waiting(desk) == [("mailer", "erasure")]


def test_a_stop_that_was_not_granted_leaves_the_lift(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    send(shop)
    again = desk.confirmed(ann, "restriction")
    shop.clock.advance(WEEK)
    assert work(shop) == 0
    desk.act(again, "reject", reason="It is the same.")
    assert work(shop) == 1
    assert shop.reason(ann) == "consent_given"


@both_stores
def test_what_a_replay_restricted_is_lifted_the_same_way(shop, desk, ann):
    with shop.app.app_context():
        who = parse_customer_id(ann)
        assert restrict_again(who, shop.clock(), keys())
        assert not restrict_again(who, shop.clock(), keys())
    assert shop.reason(ann) == "restricted"
    (request,) = desk.listed(customer_id=ann)
    shown = desk.show(request)
    assert (shown["kind"], shown["state"], shown["restricts"]) == ("restriction", "done", True)
    assert [(s["step"], s["words"]) for s in shown["steps"]] == [
        ("received", "replayed"), ("done", None),
    ]  # fmt: skip
    desk.act(request, "lift", reason=WHY)
    send(shop)
    shop.clock.advance(WEEK)
    assert work(shop) == 1
    assert shop.reason(ann) == "consent_given"


@both_stores
def test_a_merge_takes_the_lift_along(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    kept = shop.customer("bob@example.org")
    shop.merge(kept, ann)
    shop.clock.advance(WEEK)
    assert work(shop) == 0  # the letter came along too
    assert len(send(shop)) == 1
    assert work(shop) == 1
    assert desk.show(stop)["customer_id"] == kept


def test_who_is_erased_meanwhile_is_not_in_the_way(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    bob = shop.customer("bob@example.org")
    other = stopped(desk, bob)
    desk.act(other, "lift", reason=WHY)
    desk.erased(desk.approved(ann, "erasure"))
    send(shop)
    shop.clock.advance(WEEK)
    assert work(shop) == 1
    assert shop.api.get(f"/v1/customers/{ann}").status_code == 404
    assert not desk.show(other)["restricts"]


def test_one_that_cannot_be_lifted_does_not_keep_the_others(shop, desk, ann, stop):
    bob = shop.customer("bob@example.org")
    shop.say(bob, "given")
    for request in (stop, stopped(desk, bob)):
        desk.act(request, "lift", reason=WHY)
    send(shop)
    shop.clock.advance(WEEK)
    with shop.app.app_context(), unit_of_work() as tx:
        key_store.delete_keys(tx, [parse_customer_id(ann)])
    assert work(shop) == 1
    assert shop.reason(bob) == "consent_given"


def test_a_lift_that_dies_before_its_commit_is_done_later(shop, desk, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    send(shop)
    shop.clock.advance(WEEK)
    with shop.app.app_context(), pytest.raises(KeyboardInterrupt):
        dying(shop.clock())
    assert shop.reason(ann) == "restricted"
    assert desk.steps(stop)[-1] == "lift_announced"
    assert work(shop) == 1
    assert shop.reason(ann) == "consent_given"


def test_the_person_sees_it(shop, desk, clock, ann, stop):
    desk.act(stop, "lift", reason=WHY)
    person = Person(shop.app, clock, ann)
    page = person.get(f"/requests/{stop}").text
    assert "The stop ends on" in page
    assert "We told you that the stop ends" in page
    assert WHY in page
    assert "the stop ends on" in person.get("/requests").text
    send(shop)
    clock.advance(WEEK)
    work(shop)
    person = Person(shop.app, clock, ann)
    assert "The stop has ended" in person.get(f"/requests/{stop}").text
    assert "the stop ends on" not in person.get("/requests").text


@pytest.mark.parametrize("language", ["ru", "zh-Hans", "ar"])
def test_the_letter_is_in_the_persons_language(shop, desk, language):
    request = stopped(desk, shop.customer("cem@example.org", language=language))
    desk.act(request, "lift", reason=WHY)
    ((_, letter),) = letters(shop)
    assert letter.language == language
    assert "The stop" not in letter.text
    assert letter.html.startswith(f'<!doctype html>\n<html lang="{language}"')
