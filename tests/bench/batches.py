"""A thousand checks, and a thousand events, in one request, beside the least work that could
answer them; and single events beside the yardstick."""

import os
import time
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent_service.kernel.clock import rfc3339, utc_now
from consent_service.kernel.ids import parse_customer_id
from tests.bench import report
from tests.bench.load import post
from tests.bench.measure import RUNS, Line, Spread, timed
from tests.bench.serving import NEWSLETTER, service, yardstick
from tests.support import postgres

SIZE = 1_000
_CATCHES_UP_S = 5  # the worker, with what a round has logged
CONNECTIONS = {"checks": 8, "events": 2}  # two of which may come to the same web process
YARDSTICK, CHECKS, EVENTS = 7_000, 30_000, 15_000  # a second, on one machine
TITLE = "A thousand at once, on PostgreSQL"
TEXT = f"""
`POST /v1/decisions/batch` with {SIZE:,} checks over {CONNECTIONS["checks"]} connections, and
`POST /v1/consents` with {SIZE:,} events over {CONNECTIONS["events"]}, each of people of its own, by
wrk; `consent serve` as it comes, everything logged and durable. The
bare work is one connection in this process: one set-based read of {SIZE:,} people, as many seals,
one binary `COPY` of as many rows, one commit. Single events are over 16 connections, beside the
yardstick of single checks. What is wanted a second is of a machine whose yardstick makes
{YARDSTICK:,} requests a second: on another, it is as many times the yardstick.
"""
_READ = """SELECT c.customer_id, c.revision, k.wrapped, r.state, r.notice_version
FROM customers c JOIN customer_keys k USING (customer_id)
LEFT JOIN consent_records r USING (customer_id)
WHERE c.customer_id = ANY (%s) AND k.kind = 'life' AND r.recorded_to IS NULL"""
_COPY = """COPY bare (customer_id, id, at, kind, purpose, channel, recipient, outcome, reason,
token, payload) FROM STDIN (FORMAT BINARY)"""
_TABLE = """CREATE TABLE IF NOT EXISTS bare (customer_id uuid, id uuid, at timestamptz, kind text,
purpose text, channel text, recipient text, outcome text, reason text, token bytea, payload bytea,
PRIMARY KEY (customer_id, id))"""
_TYPES = ["uuid", "uuid", "timestamptz", *["text"] * 6, "bytea", "bytea"]
_PAYLOAD = b"x" * 150


def run():
    """Measures and writes the section."""
    with postgres.server(durable=True) as url, yardstick() as bare, service(url) as real:
        found = [_round(url, bare, real) for _ in range(RUNS)]
    report.write("batches", TITLE, TEXT, _lines(found), "postgresql")


def _round(url, bare, real):
    people, token = [one for one, _ in real.people], real.token()
    asked = {"purpose": NEWSLETTER, "channel": "email"}
    checks = [{"customer_id": one, **asked} for one in people]
    events = [_event(one) for one in people]

    def sent(path, body, **more):
        return post(real.address + path, body, token, **more)

    def batches(path, bodies, name):
        return sent(path, bodies, connections=CONNECTIONS[name]).rate * SIZE

    time.sleep(_CATCHES_UP_S)
    return {
        "yardstick": post(bare + "/v1/decisions", events, token).rate,
        "single": sent("/v1/consents", events).rate,
        "read": _bare(url, people),
        "checks": batches(
            "/v1/decisions/batch", [{"checks": some} for some in _halves(checks)], "checks"
        ),
        "events": batches("/v1/consents", [{"events": some} for some in _halves(events)], "events"),
    }


def _halves(found):
    """For each connection people of its own: who waits for a lock measures nothing."""
    return found[:SIZE], found[SIZE : 2 * SIZE]


def _event(customer):
    return {
        "customer_id": customer, "purpose": NEWSLETTER, "channel": "email", "event": "withdrawn",
        "touchpoint": "web", "captured_at": rfc3339(utc_now()),
    }  # fmt: skip


def _bare(url, people):
    ids = [parse_customer_id(one) for one in people[:SIZE]]
    with psycopg.connect(url) as connection:
        connection.execute(_TABLE)
        connection.execute("ANALYZE")
        connection.commit()
        _once(connection, ids)
        return timed(lambda: [_once(connection, ids) for _ in range(20)], 20 * SIZE)


def _once(connection, ids):
    now = utc_now()
    rows = connection.execute(_READ, (ids,), prepare=True).fetchall()
    known = {row[0]: row for row in rows}
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for one in ids:
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(known[one][2][-32:]).encrypt(nonce, _PAYLOAD, one.bytes)
            copy.write_row((one, uuid4(), now, "decision", NEWSLETTER, "email", "email_service",
                            "permit", "consent_given", os.urandom(16), sealed))  # fmt: skip
    connection.commit()


def _lines(found):
    def of(name):
        return [each[name] for each in found]

    def ratio(name, base):
        return Spread.of([each[name] / each[base] for each in found])

    return [
        Line("bare read, seals and rows", "answers/s", Spread.of(of("read"))),
        Line("checks, a thousand a request", "answers/s", Spread.of(of("checks")),
             ratio("checks", "read"), f"≥ {CHECKS:,}; 0.75 ×"),
        Line("events, a thousand a request", "events/s", Spread.of(of("events")),
             ratio("events", "read"), f"≥ {EVENTS:,}; 0.375 ×"),
        Line("the yardstick", "requests/s", Spread.of(of("yardstick"))),
        Line("checks, a thousand a request", "answers/s", Spread.of(of("checks")),
             ratio("checks", "yardstick"), f"≥ {CHECKS / YARDSTICK:.3g} ×"),
        Line("events, a thousand a request", "events/s", Spread.of(of("events")),
             ratio("events", "yardstick"), f"≥ {EVENTS / YARDSTICK:.3g} ×"),
        Line("one event a request", "requests/s", Spread.of(of("single")),
             ratio("single", "yardstick"), "≥ 0.35 ×"),
    ]  # fmt: skip
