"""Once a withdrawal is acknowledged no check permits, on any worker of any server."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection

import pytest

from consent_service.app import create_app
from consent_service.catalogue import service as catalogue
from consent_service.crypto import keyring as keyrings
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import rfc3339, utc_now
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from tests.conftest import SAMPLE
from tests.support import stores

ROUNDS = 200
SUBJECT = {"identifier": {"type": "email", "value": "ann@example.org"}}
NEWSLETTER = {**SUBJECT, "purpose": "marketing.newsletter", "channel": "email"}


class Caller:
    """One connection, and so one worker, kept alive."""

    def __init__(self, port, token=None):
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def post(self, path, body, form=False):
        headers = dict(self._headers)
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        sent = body if form else json.dumps(body)
        self._connection.request("POST", path, sent, headers)
        reply = self._connection.getresponse()
        return reply.status, json.loads(reply.read())

    def close(self):
        self._connection.close()


@pytest.fixture
def servers(store, keyring, tmp_path):
    """Two servers of one worker each on one store, and a client's credentials."""
    ring = tmp_path / "keys.json"
    ring.write_text(keyrings.dump(keyring))
    ring.chmod(0o600)
    app = create_app(stores.settings_for(store, keyring))
    with app.app_context():
        catalogue.load_catalogue(
            SAMPLE.read_text(encoding="utf-8"), SYSTEM, utc_now(), lambda *_: 0
        )
        scopes = {"customers:write", "consents:write", "decisions:check"}
        made = oauth.create_client(
            "shop", "Shop", frozenset(scopes), ("email_service",), SYSTEM, utc_now()
        )
        db.engine.dispose()
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(server(store, ring, tmp_path)) for _ in range(2)]
        yield ports, made


@contextlib.contextmanager
def server(store, ring, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CONSENT_DATABASE_URL": store,
        "CONSENT_KEY_FILE": str(ring),
    }
    command = [sys.executable, "-m", "consent_service.cli", "serve", "--workers", "1"]
    with (tmp_path / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def wait_until_ready(port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                connection.close()
                return
        connection.close()
        time.sleep(0.05)
    pytest.fail("the server did not become ready")


@pytest.fixture
def callers(servers):
    ports, made = servers
    form = f"grant_type=client_credentials&client_id={made.client_id}&client_secret={made.secret}"
    first = Caller(ports[0])
    token = first.post("/oauth/token", form, form=True)[1]["access_token"]
    found = [Caller(port, token) for port in ports]
    yield found
    for caller in (first, *found):
        caller.close()


def event(kind):
    return {
        **NEWSLETTER,
        "event": kind,
        "notice_version": "2026-10",
        "language": "en",
        "touchpoint": "web",
        "captured_at": rfc3339(datetime.now(UTC)),
    }


def test_no_permit_on_another_worker_after_a_withdrawal(callers):
    """One server of each kind of store for both: starting one takes longer than asking it."""
    here, there = callers
    assert here.post("/v1/customers", {"identifiers": [SUBJECT["identifier"]]})[0] == 201
    assert answers_after_withdrawals(here, there) == {("deny", "withdrawn")}
    before, after = answers_around_a_withdrawal(here, there)
    assert set(before) == {"permit"}
    assert set(after) == {"deny"}


def answers_after_withdrawals(here, there):
    seen = set()
    for turn in range(ROUNDS):
        one, other = (here, there) if turn % 2 else (there, here)
        assert one.post("/v1/consents", event("given"))[1]["state"] == "given"
        if turn % 10 < 2:
            assert other.post("/v1/decisions", NEWSLETTER)[1]["outcome"] == "permit"
        assert one.post("/v1/consents", event("withdrawn"))[1]["state"] == "withdrawn"
        answer = other.post("/v1/decisions", NEWSLETTER)[1]
        seen.add((answer["outcome"], answer["reason"]))
    return seen


def answers_around_a_withdrawal(here, there):
    """The outcomes of checks that were answered before it was sent, and of those that were asked
    after it was acknowledged, while the checks go on all the time."""
    assert here.post("/v1/consents", event("given"))[1]["state"] == "given"
    sent, acknowledged, enough = [], [], threading.Event()

    def withdraw():
        try:
            time.sleep(0.3)
            sent.append(time.monotonic())
            assert here.post("/v1/consents", event("withdrawn"))[1]["state"] == "withdrawn"
            acknowledged.append(time.monotonic())
            time.sleep(0.3)
        finally:
            enough.set()

    def check():
        answers = []
        while not enough.is_set():
            asked = time.monotonic()
            outcome = there.post("/v1/decisions", NEWSLETTER)[1]["outcome"]
            answers.append((asked, time.monotonic(), outcome))
        return answers

    with ThreadPoolExecutor(2) as pool:
        checking, withdrawing = pool.submit(check), pool.submit(withdraw)
        withdrawing.result()
        answers = checking.result()
    before = [outcome for _, answered, outcome in answers if answered < sent[0]]
    after = [outcome for asked, _, outcome in answers if asked > acknowledged[0]]
    return before, after
