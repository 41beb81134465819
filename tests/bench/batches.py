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
CONNECTIONS = {"checks": 4, "events": 3}  # two of which may come to the same web process
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
    """Measures and writes the section. Each kind has its rounds by itself, the lightest first: what
    one leaves the store to clear away is not the next one's."""
    with postgres.server(durable=True) as url, yardstick() as bare, service(url) as real:
        base = {
            "yardstick": lambda: post(bare + "/v1/decisions", events, "").rate,
            "read": lambda: _bare(url, people),
        }
        people = [one for one, _ in real.people]
        events = [_event(one) for one in people]
        checks = [{"customer_id": one, "purpose": NEWSLETTER, "channel": "email"} for one in people]

        def sent(path, bodies, **more):
            return post(real.address + path, bodies, real.token(), **more).rate

        def many(path, name, each):
            bodies = [{name: each[at : at + SIZE]} for at in range(0, len(each), SIZE)]
            return lambda: sent(path, bodies, connections=CONNECTIONS[name]) * SIZE

        found = {
            "single": _rounds(base, lambda: sent("/v1/consents", events)),
            "checks": _rounds(base, many("/v1/decisions/batch", "checks", checks)),
            "events": _rounds(base, many("/v1/consents", "events", events)),
        }
    report.write("batches", TITLE, TEXT, _lines(found), "postgresql")


def _rounds(base, work):
    """What the work came to in each round, and what it is set beside in the same."""
    found = []
    for _ in range(RUNS):
        time.sleep(_CATCHES_UP_S)
        found.append({**{name: each() for name, each in base.items()}, "work": work()})
    return found


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
    def of(kind, name):
        return Spread.of([each[name] for each in found[kind]])

    def ratio(kind, base):
        return Spread.of([each["work"] / each[base] for each in found[kind]])

    lines = []
    for kind, name, unit, bare, wanted in (
        ("checks", "checks, a thousand a request", "answers/s", 0.75, CHECKS),
        ("events", "events, a thousand a request", "events/s", 0.375, EVENTS),
    ):
        rate = of(kind, "work")
        lines += [
            Line("bare read, seals and rows", "answers/s", of(kind, "read")),
            Line(name, unit, rate, ratio(kind, "read"), f"≥ {wanted:,}; {bare} ×"),
            Line("the yardstick", "requests/s", of(kind, "yardstick")),
            Line(name, unit, rate, ratio(kind, "yardstick"), f"≥ {wanted / YARDSTICK:.3g} ×"),
        ]
    return [
        *lines,
        Line("the yardstick", "requests/s", of("single", "yardstick")),
        Line("one event a request", "requests/s", of("single", "work"),
             ratio("single", "yardstick"), "≥ 0.35 ×"),
    ]  # fmt: skip
