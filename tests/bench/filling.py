"""A log as it is after years: entries and leaves by the million, of frequent and of rare values.

Both stores get the same shares of everything. PostgreSQL makes its rows itself; SQLite is given
them by Python.
"""

import hashlib
import random
from bisect import bisect
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from consent_service.kernel.ids import first_uuid_of

MONTHS = 36
END = datetime(2026, 11, 1, tzinfo=UTC)
START = END - timedelta(days=MONTHS * 365.25 / 12)
BUSY = UUID(hashlib.md5(b"c0").hexdigest())  # noqa: S324  # no secret: a number spread over ids
QUIET = UUID(hashlib.md5(b"c7777").hexdigest())  # noqa: S324  # as above
PAYLOAD, LEAF = 230, 420  # bytes, as they are in the demo's log

_RARE = 1e-5  # 100 of ten million
SHARES = {
    "kind": {"decision": 0.8, "consent": 0.1, "disclosure": 0.099, "screening": 1e-3 - _RARE,
             "staff_act": _RARE},
    "purpose": {"marketing.newsletter": 0.4, "marketing.offers": 0.3, "orders": 0.2,
                "marketing.ads": 0.1 - _RARE, "product.recall": _RARE},
    "recipient": {"email_service": 0.5, "ad_platform": 0.3, "call_centre": 0.2 - _RARE,
                  "printer": _RARE},
    "touchpoint": {None: 0.7, "web": 0.2, "app": 0.1 - _RARE, "kiosk": _RARE},
    "outcome": {"permit": 0.8, "deny": 0.2},
}  # fmt: skip
BREACHES = 1e-3  # of uses
_BUSY_SHARE = 2e-4  # 2,000 of ten million: two checks a day


def fill(connection, count):
    """Fills the migrated, empty store behind a driver's connection with so many entries, each
    with its leaf, of `count / 10` customers."""
    by = _fill_sqlite if hasattr(connection, "create_function") else _fill_postgres
    by(connection, count)


def months():
    """From when to when each month of the log is; both are the first of a month or its ends."""
    at = START.replace(day=1)
    while at < END + timedelta(days=62):
        after = (at + timedelta(days=32)).replace(day=1)
        yield at, after
        at = after


_ID = """(lpad(to_hex({start} + g * {span} / {count}), 12, '0') || '7' || substr(md5(g::text), 1, 3)
 || '8' || substr(md5(g::text), 4, 15))::uuid"""
_AT = "to_timestamp(({start} + g * {span} / {count}) / 1000.0)"
_ROWS = """INSERT INTO ledger_entries
SELECT md5('c' || CASE WHEN u1 < {busy} THEN 0 ELSE (u1 * {customers})::int END)::uuid, {id}, true,
 kind, at, at, 'campaigns', purpose, 'email', 'email_address name',
 CASE WHEN kind NOT IN ('consent', 'staff_act') THEN {recipient} END,
 CASE WHEN kind = 'consent' THEN 'web' ELSE {touchpoint} END,
 CASE WHEN kind = 'disclosure' THEN CASE WHEN u5 < {breaches} THEN 'deny' ELSE 'permit' END
      WHEN kind = 'decision' THEN {outcome} END,
 'consent_given', 1, NULL, decode(repeat(md5(g::text), 2), 'hex'), decode(md5(g::text), 'hex'),
 decode(repeat(md5(g::text), {payload}), 'hex'), false
FROM (SELECT g, {at} AS at, {kind} AS kind, {purpose} AS purpose, u1, u3, u4, u5 FROM
 (SELECT g, random() u1, random() u2, random() u3, random() u4, random() u5, random() u6
  FROM generate_series({lo}::bigint, {hi} - 1) g) a) b"""
_LEAVES = """INSERT INTO ledger_leaves SELECT g, {id}, decode(repeat(md5(g::text), {leaf}), 'hex')
FROM generate_series({lo}::bigint, {hi} - 1) g"""
_AT_ONCE = 500_000


def _fill_postgres(connection, count):
    uniform = {"kind": "u2", "purpose": "u6", "recipient": "u3", "touchpoint": "u4"}
    parts = {name: _case(SHARES[name], of) for name, of in uniform.items()}
    frame = {
        "start": _ms(START), "span": _ms(END) - _ms(START), "count": count,
        "customers": count // 10, "busy": _BUSY_SHARE, "breaches": BREACHES,
        "outcome": _case(SHARES["outcome"], "u5"), "payload": PAYLOAD // 16, "leaf": LEAF // 16,
    }  # fmt: skip
    ids = {"id": _ID.format(**frame), "at": _AT.format(**frame)}
    for lo in range(0, count, _AT_ONCE):
        span = {"lo": lo, "hi": min(lo + _AT_ONCE, count)}
        for statement in (_ROWS, _LEAVES):
            connection.execute(statement.format(**frame, **parts, **ids, **span))


def _case(shares, uniform):
    """SQL that gives each value its share."""
    steps = zip(accumulate(shares.values()), shares, strict=True)
    whens = " ".join(f"WHEN {uniform} < {upto!r} THEN {_quoted(name)}" for upto, name in steps)
    return f"CASE {whens} ELSE {_quoted(next(iter(shares)))} END"


def _quoted(name):
    return "NULL" if name is None else f"'{name}'"


def _ms(instant):
    return int(instant.timestamp() * 1000)


def _fill_sqlite(connection, count):
    for pragma in ("synchronous=OFF", "cache_size=-3000000", "journal_mode=OFF"):
        connection.execute("PRAGMA " + pragma)
    chance = random.Random(7)
    for lo in range(0, count, _AT_ONCE):
        numbers = range(lo, min(lo + _AT_ONCE, count))
        rows = [_row(number, count, chance) for number in numbers]
        connection.execute("BEGIN")
        known = connection.execute("SELECT name FROM pragma_table_info('ledger_entries')")
        names = ", ".join(name for (name,) in known.fetchall()[: len(rows[0])])
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO ledger_entries ({names}) VALUES ({marks})", rows)  # noqa: S608  # names of our own
        leaves = ((at, row[1], bytes(LEAF)) for at, row in zip(numbers, rows, strict=True))
        connection.executemany("INSERT INTO ledger_leaves VALUES (?, ?, ?, NULL)", leaves)
        connection.execute("COMMIT")


_PICKS = {name: (list(accumulate(s.values())), list(s)) for name, s in SHARES.items()}


def _pick(name, chance):
    upto, names = _PICKS[name]
    return names[min(bisect(upto, chance.random()), len(names) - 1)]


def _row(number, count, chance):
    at = START + (END - START) * (number / count)
    made = f"{first_uuid_of(at).int | 7 << 76 | 2 << 62 | chance.getrandbits(62):032x}"
    kind, written = _pick("kind", chance), at.strftime("%Y-%m-%d %H:%M:%S.%f")
    one = chance.random()
    customer = 0 if one < _BUSY_SHARE else int(one * (count // 10))
    outcome = None
    if kind == "disclosure":
        outcome = "deny" if chance.random() < BREACHES else "permit"
    elif kind == "decision":
        outcome = _pick("outcome", chance)
    return (
        hashlib.md5(b"c%d" % customer).hexdigest(), made, True,  # noqa: S324  # as above
        kind, written, written, "campaigns", _pick("purpose", chance), "email",
        "email_address name",
        None if kind in ("consent", "staff_act") else _pick("recipient", chance),
        "web" if kind == "consent" else _pick("touchpoint", chance),
        outcome, "consent_given", 1, None, chance.randbytes(32), chance.randbytes(16),
        chance.randbytes(PAYLOAD), False, None, None,
    )  # fmt: skip
