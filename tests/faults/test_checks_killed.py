"""Web workers that are killed while many ask, and a program that holds the store: what was answered
is in the log, and it goes on."""

import http.client
import json
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from consent_service.app import create_app
from consent_service.catalogue import service as catalogue
from consent_service.crypto import keyring as keyrings
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from tests.conftest import SAMPLE
from tests.support import log, stores
from tests.support.processes import Command, free_port, get, within

ASKING = 8
KILLS = 6
ABOUT = {"purpose": "marketing.newsletter", "channel": "email"}


@pytest.fixture
def served(store, keyring, tmp_path):
    """A server, its port, and what a client asks with."""
    ring, port = tmp_path / "keys.json", free_port()
    keyrings.FileProvider(ring).save(keyring)
    app = create_app(stores.settings_for(store, keyring))
    with app.app_context():
        text = SAMPLE.read_text(encoding="utf-8")
        catalogue.load_catalogue(text, SYSTEM, utc_now(), lambda *_: 0)
        scopes = {"customers:write", "consents:write", "decisions:check"}
        made = oauth.create_client(
            "shop", "Shop", frozenset(scopes), ("email_service",), SYSTEM, utc_now()
        )
        db.engine.dispose()
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(ring)}
    command = Command("serve", "--port", port, environment=around)
    try:
        within(30, lambda: get(port, "/readyz") == 200)
        form = (
            f"grant_type=client_credentials&client_id={made.client_id}&client_secret={made.secret}"
        )
        token = ask(port, "POST", "/oauth/token", form)["access_token"]
        yield app, command, port, token
    finally:
        command.clear()


def ask(port, method, path, body, token=None):
    """What is answered with a success; None when nobody answers or somebody has no time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if token is not None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        body = body and json.dumps(body)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        said = reply.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    assert reply.status in {200, 201, 503}, said
    return None if reply.status == 503 else json.loads(said) if said[:1] == b"{" else said


@pytest.mark.long
def test_what_was_answered_outlives_the_worker(served):
    app, command, port, token = served
    people = [
        {"identifier": {"type": "email", "value": f"ann{at}@example.org"}} for at in range(ASKING)
    ]
    for one in people:
        assert ask(port, "POST", "/v1/customers", {"identifiers": [one["identifier"]]}, token)
    enough, chance = threading.Event(), random.Random(5)

    def ask_on(about):
        decisions, lost = [], 0
        while not enough.is_set():
            answer = ask(port, "POST", "/v1/decisions", about | ABOUT, token)
            if answer is None:
                lost += 1
            else:
                decisions.append(answer["decision_id"])
        return decisions, lost

    with ThreadPoolExecutor(ASKING) as pool:
        asked = [pool.submit(ask_on, one) for one in people]
        try:
            for _ in range(KILLS):
                time.sleep(0.3 + chance.random())
                command.kill(chance.choice(within(20, command.workers)))
            time.sleep(1)
        finally:
            enough.set()
        told = [each.result() for each in asked]
    answered = [one for decisions, _ in told for one in decisions]
    assert len(set(answered)) == len(answered) > 100
    assert sum(lost for _, lost in told) > 0
    within(30, lambda: get(port, "/readyz") == 200)
    for one in answered:
        assert ask(port, "GET", f"/v1/decisions/{one}", None, token) is not None
    assert command.end()[0] == 0
    with app.app_context():
        log.seal()
        log.verify()
        db.engine.dispose()


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_while_another_program_holds_the_store_nothing_is_answered(shop, store):
    """Everybody is told within the five seconds that SQLite waits, and a few more."""
    ann = shop.customer()
    body = {"customer_id": ann, "purpose": "news"}

    def ask_once(_):
        headers = {"Authorization": f"Bearer {shop.token}"}
        return shop.app.test_client().post("/v1/decisions", json=body, headers=headers)

    with closing(sqlite3.connect(store.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(ask_once, range(4)))
        assert time.monotonic() - began < 15
        other.execute("ROLLBACK")
    assert {(each.status_code, each.json["code"]) for each in replies} == {(503, "not_logged")}
    assert ask_once(None).status_code == 200
    assert [each["kind"] for each in shop.rows("ledger_entries")].count("decision") == 1
