"""Somebody else is faster: an event whose customer changes between its read and its write."""

import threading
import time
from datetime import timedelta

import pytest

from consent_service.catalogue.model import Channel
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
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
