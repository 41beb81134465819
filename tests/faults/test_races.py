"""Many at once on one customer, each by its own clock reading: the history stays one history."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from consent_service.app import create_app
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import rfc3339, utc_now
from consent_service.oauth import service as oauth
from consent_service.oauth.model import Scope
from consent_service.storage.db import db
from tests.support.contract import Api
from tests.support.shop import RECIPIENTS, Shop

THREADS = 8
ROUNDS = 15


@pytest.fixture
def shop(settings, contract):
    """Two apps on one store, by the real clock, as two workers are."""
    apps = [create_app(settings), create_app(settings)]
    with apps[0].app_context():
        made = oauth.create_client("shop", "Shop", frozenset(Scope), RECIPIENTS, SYSTEM, utc_now())

    def token_for(_):
        form = {"grant_type": "client_credentials"}
        auth = (made.client_id, made.secret)
        return apps[0].test_client().post("/oauth/token", data=form, auth=auth).json["access_token"]

    def api(token):
        return Api(apps[0].test_client(), contract, token)

    shop = Shop(apps[0], utc_now, api, made, token_for)
    shop.apps = apps
    shop.load()
    yield shop
    for app in apps:
        with app.app_context():
            db.engine.dispose()


class Worker:
    """One thread: what it did, and when it asked and was answered."""

    def __init__(self, shop, number, ticks):
        self.client = shop.apps[number % 2].test_client()
        self.headers = {"Authorization": f"Bearer {shop.token}"}
        self.ticks = ticks
        self.said, self.asked = [], []

    def post(self, path, body):
        before = next(self.ticks)
        reply = self.client.post(path, json=body, headers=self.headers)
        return reply, before, next(self.ticks)

    def say(self, body):
        reply, _, acknowledged = self.post("/v1/consents", body)
        assert reply.status_code == 201, reply.json
        self.said.append((body["event"], body["captured_at"], reply.json, acknowledged))

    def check(self, body):
        reply, began, _ = self.post("/v1/decisions", body)
        assert reply.status_code == 200, reply.json
        self.asked.append((reply.json, began))


def test_eight_at_once_leave_one_consistent_history(shop):
    ann, ticks = shop.customer(), itertools.count()
    shop.say(ann, "given", captured_at=shop.at(seconds=-60), notice_version="2")
    workers = [Worker(shop, number, ticks) for number in range(THREADS)]
    start = threading.Barrier(THREADS)

    def run(worker, number):
        start.wait()
        dice = random.Random(number)
        for _ in range(ROUNDS):
            kind = dice.choice(("given", "given", "withdrawn", "check", "check", "check"))
            if kind == "check":
                worker.check({"customer_id": ann, "purpose": "news", "recipient": "mailer"})
            else:
                notice = {"notice_version": "2"} if kind == "given" else {}
                worker.say(shop.event(ann, kind, captured_at=rfc3339(utc_now()), **notice))

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(run, worker, at) for at, worker in enumerate(workers)]:
            done.result()

    said = [each for worker in workers for each in worker.said]
    asked = [each for worker in workers for each in worker.asked]
    history = shop.history(ann)
    assert [event["revision"] for event in history] == list(range(2, len(said) + 3))
    assert shop.revision(ann) == len(said) + 2
    assert {event["event_id"] for event in history[1:]} == {
        done["event_id"] for *_, done, _ in said
    }
    assert_records_follow_each_other(shop, history)
    assert_no_permit_after_a_withdrawal(history, said, asked)
    assert {answer["outcome"] for answer, _ in asked} == {"permit", "deny"}
    assert_the_last_word_holds(shop, ann, history)


def assert_records_follow_each_other(shop, history):
    """Each record ends when the next begins; the last is in force and says what decides."""
    records = sorted(
        (row for row in shop.rows("consent_records") if row["channel"] == "email"),
        key=lambda row: row["revision"],
    )
    for one, next_one in itertools.pairwise(records):
        assert one["recorded_from"] <= one["recorded_to"] == next_one["recorded_from"]
        assert one["happened_at"] <= next_one["happened_at"]
    assert [row["recorded_to"] for row in records].count(None) == 1
    assert records[-1]["recorded_to"] is None
    last = max(history, key=lambda event: (event["happened_at"], event["event"] == "withdrawn"))
    assert (records[-1]["state"], rfc3339(records[-1]["happened_at"])) == (
        last["event"],
        last["happened_at"],
    )


def assert_no_permit_after_a_withdrawal(history, said, asked):
    """A permit rests on a yes that is newer than every withdrawal acknowledged before the check
    was asked."""
    yes_at = {event["revision"]: event["happened_at"] for event in history}
    withdrawn = [(captured, told) for kind, captured, _, told in said if kind == "withdrawn"]
    permits = [(answer, began) for answer, began in asked if answer["outcome"] == "permit"]
    for answer, began in permits:
        rests_on = yes_at[answer["record_revision"]]
        assert all(captured < rests_on for captured, told in withdrawn if told < began)


def assert_the_last_word_holds(shop, ann, history):
    after = max(event["happened_at"] for event in history)
    assert shop.at() > after
    assert shop.say(ann, "withdrawn")["state"] == "withdrawn"
    for app in shop.apps:
        reply = app.test_client().post(
            "/v1/decisions",
            json={"customer_id": ann, "purpose": "news"},
            headers={"Authorization": f"Bearer {shop.token}"},
        )
        assert reply.json["reason"] == "withdrawn"


def test_facts_changed_at_once_follow_each_other(shop):
    ann = shop.customer(jurisdiction="US-CA")
    start = threading.Barrier(THREADS)
    body = {"customer_id": ann, "signal": "gpc", "touchpoint": "web"}

    def signal(number):
        start.wait()
        at = rfc3339(utc_now() - timedelta(minutes=number))
        reply = (
            shop.apps[number % 2]
            .test_client()
            .post(
                "/v1/signals",
                json={**body, "captured_at": at},
                headers={"Authorization": f"Bearer {shop.token}"},
            )
        )
        return reply.status_code

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(signal, range(THREADS))) == {201}
    facts = sorted(shop.rows("customer_facts"), key=lambda row: row["revision"])
    for one, next_one in itertools.pairwise(facts):
        assert one["recorded_from"] <= one["recorded_to"] == next_one["recorded_from"]
    assert [row["recorded_to"] for row in facts].count(None) == 1
    assert shop.revision(ann) == THREADS + 1
    first = min(row["gpc_since"] for row in facts if row["gpc_since"])
    assert facts[-1]["gpc_since"] == first
