"""Recipients: what they are told of what people ask for, and what they answer."""

from datetime import timedelta

import pytest

from consent_service.kernel.ids import parse_customer_id
from consent_service.personal_data import service as everything
from consent_service.recipients.model import WITHIN
from consent_service.web.runtime import keys
from tests.support.erasing import Eraser
from tests.support.requests import BASE

QUEUE = "/v1/requests-for-me"


@pytest.fixture
def desk(shop):
    return Eraser(shop)


@pytest.fixture
def ann(shop):
    who = shop.customer("ann@example.org", "+493012345678")
    shop.say(who, "given")
    return who


@pytest.fixture
def mailer(open_shop):
    return open_shop("mailer", frozenset({"recipients:confirm"}), ("mailer",))


@pytest.fixture
def broker(open_shop):
    return open_shop("broker", frozenset({"recipients:confirm"}), ("broker",))


def queue_of(which):
    reply = which.api.get(QUEUE)
    assert reply.status_code == 200, reply.json
    return reply.json["items"]


def answer(which, task, outcome="done", **more):
    return which.api.post(f"{QUEUE}/{task['id']}/confirm", {"outcome": outcome, **more})


def told(desk, request):
    return {each["recipient"]: each for each in desk.show(request)["recipients"]}


# --- Who is told


def test_those_are_told_to_whom_data_went(shop, desk, ann):
    request = desk.approved(ann, "restriction")
    assert set(told(desk, request)) == {"mailer"}  # a yes is in force
    other = shop.customer()
    assert shop.check(other, "printed")["outcome"] == "permit"  # warehouse was permitted nothing
    assert set(told(desk, desk.approved(other, "restriction"))) == {"mailer"}


def test_a_denied_check_tells_nobody(shop, desk):
    who = shop.customer()
    assert shop.check(who)["outcome"] == "deny"
    request = desk.approved(who, "restriction")
    assert (told(desk, request), desk.state(request)) == ({}, "done")


def test_a_use_and_an_audience_tell_too(shop, desk):
    who = shop.customer("eve@example.org")
    shop.say(who, "given", "ads", channel=None)
    made = shop.check(who, "ads", recipient="broker")
    use = {
        "decision_id": made["decision_id"], "data_categories": ["name"], "recipient": "warehouse",
        "touchpoint": "web", "occurred_at": shop.at(),
    }  # fmt: skip
    assert shop.api.post("/v1/disclosures", use).status_code == 201
    reply = shop.api.post(
        "/v1/screenings?purpose=printed&recipient=mailer",
        data=b'{"email": "eve@example.org"}\n{"email": "nobody@example.org"}\n',
        content_type="application/x-ndjson",
    )
    assert reply.status_code == 200, reply.json
    shop.say(who, "withdrawn", "ads", channel=None)
    request = desk.approved(who, "restriction")
    assert set(told(desk, request)) == {"broker", "mailer", "warehouse"}


def test_an_objection_is_told_to_those_who_market(shop, desk):
    who = shop.customer()
    assert shop.check(who, "orders", channel="post", recipient="warehouse")["outcome"] == "permit"
    shop.say(who, "given", "ads", channel=None)
    assert set(told(desk, desk.approved(who, "objection"))) == {"broker"}


# --- What they see and answer


def test_a_recipient_sees_its_own_and_what_it_may_have(shop, desk, ann, mailer, broker):
    shop.say(ann, "given", "ads", channel=None)
    desk.approved(ann, "restriction")
    (task,), (other,) = queue_of(mailer), queue_of(broker)
    assert (task["kind"], task["recipient"], task["overdue"]) == ("restriction", "mailer", False)
    assert task["customer_ids"] == other["customer_ids"] == [ann]
    assert {each["type"] for each in task["identifiers"]} == {"email", "phone"}
    assert other["identifiers"] == []  # no purpose gives it an address
    assert answer(broker, task).status_code == 404
    assert answer(mailer, other).status_code == 404
    assert broker.api.get(QUEUE, query_string={"recipient": "mailer"}).status_code == 404
    assert broker.api.get(f"{BASE}").status_code == 403


def test_an_answer_is_kept_once(desk, ann, mailer):
    request = desk.approved(ann, "restriction")
    (task,) = queue_of(mailer)
    for _ in range(2):
        reply = answer(mailer, task)
        assert (reply.status_code, reply.json["outcome"]) == (200, "done")
    reply = answer(mailer, task, "nothing_held")
    assert (reply.status_code, reply.json["code"]) == (409, "recipient_answered")
    assert queue_of(mailer) == []
    desk.carry_out()
    assert desk.state(request) == "done"


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "settled"},
        {"outcome": "not_done"},
        {"outcome": "done", "words": "legal_claims"},
        {"outcome": "not_done", "words": "because"},
        {},
    ],
)
def test_an_answer_is_one_of_a_few(desk, ann, mailer, body):
    desk.approved(ann, "restriction")
    (task,) = queue_of(mailer)
    assert mailer.api.post(f"{QUEUE}/{task['id']}/confirm", body).status_code == 422
    assert len(queue_of(mailer)) == 1


def test_who_cannot_is_named_in_the_end(desk, ann, mailer):
    request = desk.approved(ann, "erasure")
    desk.swept(request)
    (task,) = queue_of(mailer)
    assert answer(mailer, task, "not_done", words="legal_obligation").status_code == 200
    desk.carry_out()
    shown = desk.show(request)
    assert (shown["state"], shown["steps"][-1]["words"]) == ("failed", "mailer")
    said = desk.certificate(request)
    assert (said["complete"], said["left"]) == (False, ["mailer"])
    assert said["recipients"][0]["words"] == "legal_obligation"


def test_the_person_sees_who_was_told(shop, desk, ann):
    desk.approved(ann, "restriction")
    desk.answer()
    with shop.app.app_context():
        (found,) = everything.export(parse_customer_id(ann), keys())["recipients_told"]
    assert (found["recipient"], found["outcome"]) == ("mailer", "done")


def test_of_the_erased_nothing_is_left_in_a_queue_but_the_erasure(shop, desk, ann, mailer):
    desk.approved(ann, "restriction")
    request = desk.approved(ann, "erasure")
    desk.erased(request)
    assert [task["kind"] for task in queue_of(mailer)] == ["erasure"]
    assert len(shop.rows("recipient_tasks")) == 1


# --- Telling


def test_it_is_overdue_after_75_hours(shop, desk, ann, mailer):
    desk.approved(ann, "restriction")
    (task,) = queue_of(mailer)
    assert task["answer_by"] == shop.at(hours=75)
    shop.clock.advance(WITHIN - timedelta(seconds=1))
    assert not queue_of(mailer)[0]["overdue"]
    shop.clock.advance(timedelta(seconds=1))
    assert queue_of(mailer)[0]["overdue"]
    assert answer(mailer, task).status_code == 200
