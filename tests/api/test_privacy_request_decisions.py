"""What is decided about privacy requests, what restricts processing, and who carries out."""

import threading
from datetime import timedelta

import pytest
import structlog
from msgspec.structs import replace

from consent_service.customers import service as customers
from consent_service.kernel.ids import parse_customer_id
from consent_service.privacy_requests import carriers
from consent_service.privacy_requests.carriers import Outcome
from consent_service.privacy_requests.model import RequestKind
from tests.support.problems import fault
from tests.support.requests import BASE, Desk

ANN = "ann@example.org"
CARRIED_ELSEWHERE = ("access", "portability", "erasure")


@pytest.fixture
def desk(shop):
    return Desk(shop)


@pytest.fixture
def ann(shop):
    made = shop.customer(ANN)
    shop.say(made, "given")
    return made


def refused(reply):
    return reply.status_code, reply.json["code"]


WRONG = (409, "request_state")


# --- Decided


def test_approving_says_how_identity_was_confirmed(desk, ann):
    request = desk.ask(ann)
    assert fault(desk.act(request, "approve")) == ("/identity", "required")
    assert fault(desk.act(request, "approve", identity="link"))[0] == "/identity"
    reply = desk.act(request, "approve", identity="in_person")
    assert (reply.json["state"], reply.json["identity"]) == ("approved", "in_person")
    steps = [(step["step"], step["words"], step["actor"]) for step in reply.json["steps"]]
    assert steps == [
        ("received", None, "client:shop"),
        ("confirmed", "in_person", "client:shop"),
        ("approved", "in_person", "client:shop"),
    ]


@pytest.mark.parametrize("kind", CARRIED_ELSEWHERE)
def test_what_nobody_carries_out_yet_waits_and_is_not_said_to_be_done(desk, ann, kind):
    carriers.hand_in({})
    request = desk.approved(ann, kind)
    assert desk.carry_out() == 0
    shown = desk.show(request)
    assert (shown["state"], shown["waits_for"]) == ("approved", "carrier")
    for act in ("done", "approve", "extend"):
        body = {"reason": "x"} if act == "extend" else {}
        assert refused(desk.act(request, act, **body)) == WRONG


def test_a_reason_is_kept_and_needed(desk, ann):
    request = desk.confirmed(ann)
    assert fault(desk.act(request, "reject"))[0] == "/reason"
    reply = desk.act(request, "reject", reason="We hold nothing.")
    assert reply.json["steps"][-1]["reason"] == "We hold nothing."
    for act in ("approve", "cancel", "reject", "extend", "hold", "confirm", "release"):
        body = {"confirm": {"identity": "document"}, "approve": {"identity": "document"}}
        sent = body.get(act, {} if act in ("cancel", "release") else {"reason": "x"})
        assert refused(desk.act(request, act, **sent)) == WRONG


def test_the_date_is_put_off_once(shop, desk, ann):
    request = desk.ask(ann)
    assert refused(desk.act(request, "extend", reason="Many.")) == WRONG
    desk.act(request, "confirm", identity="document")
    reply = desk.act(request, "extend", reason="Many.")
    assert (reply.json["state"], reply.json["due_at"]) == ("extended", shop.at(days=90))
    assert refused(desk.act(request, "extend", reason="More.")) == WRONG
    assert desk.act(request, "approve").json["steps"][-1]["words"] == "document"
    assert refused(desk.act(request, "extend", reason="More.")) == WRONG
    assert desk.show(request)["due_at"] == shop.at(days=90)


def test_where_there_is_no_extension_there_is_none(shop, desk):
    shop.clock.advance(timedelta(seconds=1))
    documents = shop.api.get("/v1/catalogue").json["document"]["jurisdictions"]
    documents["IN"]["extension_days"] = 0
    shop.load(jurisdictions=documents)
    for code in ("IN", None):
        request = desk.confirmed(shop.customer(jurisdiction=code))
        reply = desk.act(request, "extend", reason="Many.")
        assert refused(reply) == (409, "request_not_extendable")
        assert desk.state(request) == "confirmed"


# --- Carried out here


def test_a_correction_is_done_when_staff_say_so(desk, ann):
    one, two = (desk.approved(ann, "rectification", note="It is Anne.") for _ in range(2))
    shown = desk.show(one)
    assert (shown["state"], shown["waits_for"], shown["note"]) == (
        "running", "correction", "It is Anne.",
    )  # fmt: skip
    told = desk.act(one, "done").json
    assert (told["state"], told["waits_for"]) == ("running", "recipients")
    desk.answer()
    desk.carry_out()
    assert desk.state(one) == "done"
    reply = desk.act(two, "done", left="The paper file.")
    assert (reply.json["state"], reply.json["steps"][-1]["reason"]) == ("failed", "The paper file.")


def test_an_objection_is_said_to_every_purpose_of_direct_marketing(shop, desk, ann):
    shop.say(ann, "given", "offers", channel="sms")
    shop.clock.advance(timedelta(days=1))
    request = desk.ask(ann, "objection", touchpoint="store")
    shop.clock.advance(timedelta(days=1))
    assert shop.reason(ann) == "consent_given"
    desk.act(request, "approve", identity="document")
    desk.answer()
    desk.carry_out()
    assert desk.steps(request)[-3:] == ["approved", "running", "done"]
    states = shop.states(ann)
    assert states["news"] == states["offers", "sms"] == states["ads"] == "objected"
    assert states["orders"] == "no_record"
    assert shop.reason(ann) == "objected"
    said = [event for event in shop.history(ann) if event["event"] == "objected"]
    assert {event["touchpoint"] for event in said} == {"store"}
    assert {event["happened_at"] for event in said} == {shop.at(days=-1)}


def test_a_newer_yes_outweighs_an_objection_that_waited(shop, desk, ann):
    request = desk.ask(ann, "objection")
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "given")
    desk.act(request, "approve", identity="document")
    assert shop.reason(ann) == "consent_given"
    assert {e["touchpoint"] for e in shop.history(ann) if e["event"] == "objected"} == {"web"}


# --- Restricted


def test_a_restriction_restricts_when_it_is_approved_and_stays(shop, desk, ann):
    request = desk.confirmed(ann, "restriction")
    assert shop.reason(ann) == "consent_given"
    reply = desk.act(request, "approve")
    assert (reply.json["state"], reply.json["restricts"]) == ("running", True)
    desk.answer()
    desk.carry_out()
    assert desk.state(request) == "done"
    assert shop.reason(ann) == "restricted"
    assert shop.check(ann, "recalls")["outcome"] == "permit"
    erasure = desk.confirmed(ann, "erasure")
    desk.act(erasure, "cancel")
    assert shop.reason(ann) == "restricted"


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_an_erasure_restricts_until_it_is_rejected_or_cancelled(shop, desk, ann, end):
    request = desk.ask(ann, "erasure")
    assert shop.reason(ann) == "consent_given"  # anybody may have sent it
    desk.act(request, "confirm", identity="document")
    assert shop.reason(ann) == "restricted"
    assert shop.api.get(f"/v1/customers/{ann}").json["restricted"]
    desk.act(request, "extend", reason="Many.")
    desk.act(request, "hold", reason="A claim.")
    assert shop.reason(ann) == "restricted"
    desk.act(request, end, reason="Kept by law.")
    assert shop.reason(ann) == "consent_given"


@pytest.mark.parametrize("fresh", [True, False])
def test_with_the_customers_own_token_it_restricts_from_receipt(shop, desk, ann, api, fresh):
    if fresh:
        desk.sign_in(ann)
    body = {"customer_id": ann, "kind": "erasure"}
    reply = api(desk.token_of(ann)).post(BASE, body)
    assert reply.json["state"] == ("confirmed" if fresh else "received")
    assert shop.reason(ann) == "restricted"
    desk.act(reply.json["id"], "cancel")
    assert shop.reason(ann) == "consent_given"


def test_the_last_that_holds_a_restriction_lifts_it(shop, desk, ann):
    one, two = desk.confirmed(ann, "erasure"), desk.confirmed(ann, "erasure")
    desk.act(one, "cancel")
    assert shop.reason(ann) == "restricted"
    desk.act(two, "reject", reason="x")
    assert shop.reason(ann) == "consent_given"


def test_an_earlier_restriction_is_left(shop, desk, ann):
    with shop.app.app_context():
        who = parse_customer_id(ann)
        revision = customers.raise_revision(who)
        customers.change_facts(who, revision, lambda f: replace(f, restricted=True), shop.clock())
    one, two = desk.confirmed(ann, "erasure"), desk.confirmed(ann, "erasure")
    for each in (one, two):
        desk.act(each, "cancel")
        assert shop.reason(ann) == "restricted"


def test_of_others_nothing_is_restricted(shop, desk, ann):
    eve = shop.customer()
    shop.say(eve, "given")
    desk.confirmed(ann, "erasure")
    assert shop.reason(eve) == "consent_given"


# --- Held


def test_what_is_held_is_not_carried_out_until_it_is_released(shop, desk, ann):
    request = desk.ask(ann, "restriction")
    desk.act(request, "hold", reason="A claim is open.")
    assert refused(desk.act(request, "hold", reason="Again.")) == WRONG
    reply = desk.act(request, "approve", identity="document")
    assert (reply.json["state"], reply.json["waits_for"]) == ("approved", "release")
    assert shop.reason(ann) == "consent_given"
    desk.act(request, "release", reason="Closed.")
    desk.answer()
    desk.carry_out()
    assert desk.steps(request) == [
        "received", "held", "confirmed", "approved", "released", "running", "done",
    ]  # fmt: skip
    assert shop.reason(ann) == "restricted"
    assert refused(desk.act(request, "release")) == WRONG


# --- Carried out elsewhere


@pytest.fixture
def carrier():
    """`carrier(kind, act)`: hands it in, until the test ends."""
    yield lambda kind, act: carriers.hand_in({RequestKind(kind): act})
    carriers.hand_in({})


def test_a_carrier_is_called_until_it_is_done(desk, ann, carrier):
    outcomes, seen = iter([None, Outcome()]), []

    def carry(request, now, keys):
        seen.append(request.state)
        return next(outcomes)

    carrier("erasure", carry)
    other, request = desk.approved(ann, "access"), desk.approved(ann, "erasure")
    assert desk.show(request)["waits_for"] is None
    assert desk.carry_out() == 1
    assert desk.state(request) == "running"
    assert refused(desk.act(request, "cancel")) == WRONG
    assert desk.carry_out() == 1
    assert desk.state(request) == "done"
    assert desk.carry_out() == 0
    assert seen == ["running", "running"]
    assert desk.state(other) == "approved"


def test_what_is_left_is_said(desk, ann, carrier):
    carrier("erasure", lambda *_: Outcome(("broker", "warehouse")))
    request = desk.approved(ann, "erasure")
    desk.carry_out()
    last = desk.show(request)["steps"][-1]
    assert (last["step"], last["words"], last["actor"]) == (
        "failed", "broker warehouse", "system:consent",
    )  # fmt: skip


def test_a_carrier_that_fails_is_called_again_and_holds_nobody_up(shop, desk, ann, carrier):
    eve = shop.customer()
    first, second = desk.approved(ann, "access"), desk.approved(eve, "access")
    failing = [True]

    def carry(request, now, keys):
        if failing and str(request.place) == str(parse_customer_id(ann)):
            raise ValueError("CANARY")
        return Outcome()

    carrier("access", carry)
    with structlog.testing.capture_logs() as logged:
        desk.carry_out()
    assert (desk.state(first), desk.state(second)) == ("running", "done")
    (told,) = [each for each in logged if each["event"].endswith("not_carried_out")]
    assert (told["request"], told["error_kind"]) == (first, "ValueError")
    assert "CANARY" not in repr(logged)
    failing.clear()
    desk.carry_out()
    assert desk.state(first) == "done"


def test_what_is_held_no_carrier_sees(desk, ann, carrier):
    carrier("access", lambda *_: Outcome())
    request = desk.ask(ann)
    desk.act(request, "hold", reason="x")
    desk.act(request, "approve", identity="document")
    desk.carry_out()
    assert desk.state(request) == "approved"
    desk.act(request, "release")
    desk.carry_out()
    assert desk.state(request) == "done"


# --- Reminded


def test_each_reminder_is_said_once(shop, desk, ann):
    request = desk.ask(ann, note="CANARY")
    desk.act(desk.ask(ann), "cancel")
    said = []
    with structlog.testing.capture_logs() as logged:
        for day in range(33):
            desk.remind()
            desk.remind()
            said += [(day, each["event"], each["request"]) for each in logged]
            logged.clear()
            shop.clock.advance(timedelta(days=1))
    assert said == [
        (23, "privacy_requests:request:due_in_7_days", request),
        (28, "privacy_requests:request:due_in_2_days", request),
        (30, "privacy_requests:request:overdue", request),
    ]


def test_of_several_at_once_the_most_urgent_is_said(shop, desk, ann):
    request = desk.confirmed(ann)
    shop.clock.advance(timedelta(days=29))
    with structlog.testing.capture_logs() as logged:
        assert [desk.remind(), desk.remind()] == [1, 0]
        desk.act(request, "extend", reason="Many.")
        assert desk.remind() == 0
        shop.clock.advance(timedelta(days=55))
        assert desk.remind() == 1
    assert [each["event"].rpartition(":")[2] for each in logged] == [
        "due_in_2_days",
        "due_in_7_days",
    ]
    assert "ann" not in repr(logged)


# --- At once


def at_once(shop, calls):
    """The statuses of requests sent at the same moment, each by a client of its own."""
    barrier, statuses = threading.Barrier(len(calls)), []
    headers = {"Authorization": f"Bearer {shop.token}"}

    def send(path, body):
        client = shop.app.test_client()
        barrier.wait()
        statuses.append(client.post(path, json=body, headers=headers).status_code)

    threads = [threading.Thread(target=send, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@pytest.mark.parametrize("kind", ["access", "objection"])
def test_of_two_approvals_at_once_one_counts(shop, desk, ann, kind):
    request = desk.confirmed(ann, kind)
    call = (f"{BASE}/{request}/approve", {"identity": "document"})
    assert at_once(shop, [call] * 4) == [200, 409, 409, 409]
    assert desk.steps(request).count("approved") == 1


def test_approving_against_rejecting_one_wins(shop, desk, ann):
    for _ in range(4):
        request = desk.confirmed(ann, "restriction")
        calls = [
            (f"{BASE}/{request}/approve", {"identity": "document"}),
            (f"{BASE}/{request}/cancel", {}),
        ]
        assert at_once(shop, calls) == [200, 409]
        steps = desk.steps(request)
        assert ("cancelled" in steps) != ("running" in steps)


def test_two_erasures_let_go_at_once_leave_nothing_restricted(shop, desk, ann):
    made = [desk.confirmed(ann, "erasure") for _ in range(3)]
    assert at_once(shop, [(f"{BASE}/{each}/cancel", {}) for each in made]) == [200] * 3
    assert shop.reason(ann) == "consent_given"
