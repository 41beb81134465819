"""Somebody else is faster: an event whose customer changes between its read and its write."""

import threading
import time
from datetime import timedelta

import pytest

from consent_service.catalogue.model import Channel
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.customers import service as customers
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import parse_customer_id
from consent_service.personal_data import service as personal_data
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys


@pytest.fixture(params=[{}, {"Idempotency-Key": "once"}], ids=["no key", "key"])
def meanwhile(request, shop):
    """`meanwhile(work, body)`: the answer to an event that is sent while `work` has been done and
    is not committed yet: what it reads is how things were before."""
    headers = {"Authorization": f"Bearer {shop.token}", **request.param}

    def run(work, body):
        replies, client = [], shop.app.test_client()

        def send():
            replies.append(client.post("/v1/consents", json=body, headers=headers))

        sending = threading.Thread(target=send)
        with shop.app.app_context(), unit_of_work():
            work()
            sending.start()
            time.sleep(0.4)
            assert not replies
        sending.join()
        return replies[0]

    return run


@pytest.fixture
def ann(shop):
    made = shop.customer()
    shop.say(made, "given", captured_at=shop.at(seconds=-60))
    return made


def in_force(shop):
    return [row for row in shop.rows("consent_records") if row["recorded_to"] is None]


def test_an_event_that_was_overtaken_is_weighed_anew(shop, ann, meanwhile):
    def withdraw():
        at = shop.clock() - timedelta(seconds=10)
        who = parse_customer_id(ann)
        no = NewEvent(who, "news", EventKind.WITHDRAWN, Channel.EMAIL, None, None, "web", at)
        consents.record_consent(no, SYSTEM, shop.clock(), keys())

    renewed = shop.event(ann, "renewed", captured_at=shop.at(seconds=-30), channel="email")
    reply = meanwhile(withdraw, renewed)
    assert (reply.status_code, reply.json["state"]) == (201, "withdrawn")
    assert [event["event"] for event in shop.history(ann)] == ["given", "withdrawn", "renewed"]
    assert [event["revision"] for event in shop.history(ann)] == [2, 3, 4]
    assert [row["state"] for row in in_force(shop)] == ["withdrawn"]
    assert shop.revision(ann) == 4
    assert shop.reason(ann) == "withdrawn"


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_who_waits_for_a_customer_keeps_nobody_else_waiting(shop, ann, meanwhile):
    """Though what different threads write goes to the store together."""
    bob, answered = shop.customer(), []

    def say_of_bob():
        time.sleep(0.2)  # ann's is on its way
        headers = {"Authorization": f"Bearer {shop.token}"}
        body = shop.event(bob, "withdrawn")
        reply = shop.app.test_client().post("/v1/consents", json=body, headers=headers)
        answered.append((reply.status_code, time.monotonic()))

    other = threading.Thread(target=say_of_bob)

    def lock_ann():
        customers.lock_customers([parse_customer_id(ann)])
        other.start()

    assert meanwhile(lock_ann, shop.event(ann, "withdrawn")).status_code == 201
    after = time.monotonic()
    other.join()
    assert [status for status, _ in answered] == [201]
    assert answered[0][1] < after


def test_of_somebody_erased_meanwhile_nothing_is_recorded(shop, ann, meanwhile):
    reply = meanwhile(
        lambda: personal_data.erase([parse_customer_id(ann)], shop.clock()),
        shop.event(ann, "withdrawn"),
    )
    assert reply.status_code == 404
    for table in ("customers", "consent_events", "consent_records"):
        assert not shop.rows(table)
    assert [row["reason"] for row in shop.rows("ledger_entries") if row["kind"] == "consent"] == [
        "given"
    ]


def test_of_somebody_merged_meanwhile_it_is_recorded_where_they_are_now(shop, ann, meanwhile):
    kept = shop.customer()
    reply = meanwhile(
        lambda: personal_data.merge(
            parse_customer_id(kept), parse_customer_id(ann), SYSTEM, shop.clock(), keys()
        ),
        shop.event(ann, "withdrawn", channel="email"),
    )
    assert (reply.status_code, reply.json["state"]) == (201, "withdrawn")
    assert {row["customer_id"] for row in shop.rows("consent_events")} == {parse_customer_id(kept)}
    assert [row["state"] for row in in_force(shop)] == ["withdrawn"]
    assert [event["event"] for event in shop.history(kept)] == ["given", "withdrawn"]
    assert shop.reason(kept) == "withdrawn"
