"""Screening a large audience, beside the bare join of the same names with the same records."""

import hashlib
import io
import json
import random
import sqlite3
import tempfile
from contextlib import closing
from http.client import HTTPConnection
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyarrow
import pyarrow.parquet

from consent_service.crypto import blind_index, keyring
from consent_service.kernel.ids import CustomerId, customer_id_text, new_uuids
from tests.bench import crowd, report
from tests.bench.measure import RUNS, Line, Spread, timed
from tests.bench.serving import NEWSLETTER, service
from tests.support import postgres

PEOPLE = 2_000_000
TITLE = "Screening of a large audience, on PostgreSQL"
TEXT = f"""
`POST /v1/screenings` with {PEOPLE:,} different people, of as many customers, from a client on the
same cores, until the summary is read. The bare join is the same names by `COPY` into a
temporary table, joined with the records in force, the permitted names read back: it checks no
suppression, age, restriction or notice, logs nothing and remembers no member. The memory is what
the serving process has grown by at its peak (VmHWM), over all audiences so far.
"""
ON_SQLITE = 200_000
SQLITE_TITLE = "Screening of an audience, on SQLite"
SQLITE_TEXT = f"""
The same with {ON_SQLITE:,} customer ids, of as many customers, on SQLite (`synchronous=FULL`). The
bare join is the same ids in a temporary table, joined with the records in force.
"""
_ID_JOIN = """SELECT a.name FROM asked a JOIN consent_records r ON r.customer_id = a.name
WHERE r.purpose = %s AND r.channel = 'email' AND r.recorded_to IS NULL AND r.state = 'given'"""
_SHA_JOIN = """SELECT a.name FROM asked a JOIN identifier_index i ON i.digest = a.name
JOIN consent_records r USING (customer_id)
WHERE r.purpose = %s AND r.channel = 'email' AND r.recorded_to IS NULL AND r.state = 'given'"""
_NOW, _AT_ONCE = "'2026-01-01 00:00:00.000000'", 10_000
_ON_SQLITE = (
    f"INSERT INTO customers SELECT ?1, 2, {_NOW}, 'en', randomblob(128), randomblob(16), NULL, NULL"
    " WHERE ?2 >= 0",
    f"INSERT INTO customer_facts SELECT ?1, 1, {_NOW}, NULL, 'DE', NULL, 0, NULL WHERE ?2 >= 0",
    f"""INSERT INTO consent_records SELECT ?1, '{NEWSLETTER}', 'email', 2, {_NOW}, NULL,
    iif(?2 = 0, 'withdrawn', 'given'), {_NOW}, ?1,
    (SELECT notice_version FROM consent_records WHERE state = 'given' LIMIT 1), 0, 1, NULL""",  # noqa: S608  # names of our own
)
_NDJSON, _PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"


def run():
    """Measures and writes the sections."""
    with postgres.server(durable=True) as url, service(url) as real:
        ids, digests, hashes = _fill(url, real)
        lines, before = [], _peak_mb(real)
        for name, bare, media, body in (
            ("customer ids, NDJSON", lambda: _joined(url, "uuid", ids, _ID_JOIN), _NDJSON,
             _ndjson("customer_id", map(_public, ids))),
            ("SHA-256 of e-mails, NDJSON", lambda: _joined(url, "bytea", digests, _SHA_JOIN),
             _NDJSON, _ndjson("email_sha256", hashes)),
            ("customer ids, Parquet", lambda: _joined(url, "uuid", ids, _ID_JOIN), _PARQUET,
             _parquet("customer_id", map(_public, ids))),
        ):  # fmt: skip
            lines += _compared(name, bare, real, media, body, PEOPLE, "≥ 0.6 ×")
            lines.append(_memory(real, before))
    report.write("audiences", TITLE, TEXT, lines, "postgresql")
    _run_on_sqlite()


def _run_on_sqlite():
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "store.db"
        with service(f"sqlite:///{path}") as real:
            ids = _fill_sqlite(path)
            before, body = _peak_mb(real), _ndjson("customer_id", map(_public, ids))
            bare = lambda: _joined_in_sqlite(path, ids)  # noqa: E731  # one line, used here alone
            lines = _compared(
                "customer ids, NDJSON", bare, real, _NDJSON, body, ON_SQLITE, "≥ 0.5 ×"
            )
            lines.append(_memory(real, before))
    report.write("audiences-sqlite", SQLITE_TITLE, SQLITE_TEXT, lines)


def _compared(name, bare, real, media, body, people, wanted):
    rates = [
        (timed(bare, people), timed(lambda: _post(real, media, body, people), people))
        for _ in range(RUNS)
    ]
    base, own = zip(*rates, strict=True)
    return [
        Line(f"bare join: {name}", "names/s", Spread.of(base)),
        Line(f"screening: {name}", "rows/s", Spread.of(own), Spread.of([b / a for a, b in rates]),
             wanted),
    ]  # fmt: skip


def _memory(real, before):
    return Line(
        "memory, grown by so far", "MB", Spread.of([_peak_mb(real) - before]), None, "< 100"
    )


def _fill(url, real):
    """Customers with a record each, a fifth of them a no; ids, digests and hashes, shuffled."""
    ring = keyring.parse(real.environment["CONSENT_KEYRING"], "the bench")
    with psycopg.connect(url, autocommit=True) as connection:
        crowd.grow(connection, 0, PEOPLE, purposes=(NEWSLETTER,), entries=0)
        connection.execute(
            "UPDATE consent_records SET state = 'withdrawn'"
            " WHERE get_byte(uuid_send(customer_id), 15) < 51"
        )
        connection.execute("TRUNCATE identifier_index")
        ids = [row[0] for row in connection.execute("SELECT customer_id FROM customers")]
        random.Random(7).shuffle(ids)
        ids = ids[:PEOPLE]
        hashes = [hashlib.sha256(b"p%d@example.org" % n).digest() for n in range(len(ids))]
        indexed = [blind_index.index(ring, "email", inner) for inner in hashes]
        with connection.cursor().copy("COPY identifier_index FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["bytea", "bytea", "int2", "uuid", "uuid"])
            # As they came to be known: not in the order of an audience, which one join liked.
            for one, at in sorted(zip(ids, indexed, strict=True), key=itemgetter(0)):
                copy.write_row((at.digest, at.key_id, 1, one, one))
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return ids, [at.digest for at in indexed], [inner.hex() for inner in hashes]


def _fill_sqlite(path):
    """As `_fill`, of as many customers as are asked about; ids, shuffled."""
    ids = [one for _ in range(ON_SQLITE // _AT_ONCE) for one in new_uuids(_AT_ONCE)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for statement in _ON_SQLITE:
            connection.executemany(statement, [(one.hex, int(one) % 5) for one in ids])
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    random.Random(7).shuffle(ids)
    return ids


def _joined_in_sqlite(path, ids):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TEMPORARY TABLE asked (name)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO asked VALUES (?)", [(one.hex,) for one in ids])
        assert connection.execute(_ID_JOIN.replace("%s", "?"), (NEWSLETTER,)).fetchall()
        connection.execute("COMMIT")


def _public(one):
    return customer_id_text(CustomerId(one))


def _joined(url, kind, names, join):
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TEMPORARY TABLE asked (name {kind})")
        with connection.cursor().copy("COPY asked FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([kind])
            for name in names:
                copy.write_row((name,))
        connection.execute("ANALYZE asked")
        assert connection.execute(join, (NEWSLETTER,), binary=True).fetchall()


def _ndjson(column, names):
    return b"".join(b'{"%b": "%b"}\n' % (column.encode(), name.encode()) for name in names)


def _parquet(column, names):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({column: list(names)}), file, compression="zstd")
    return file.getvalue()


def _post(real, media, body, people):
    connection = HTTPConnection(urlsplit(real.address).netloc, timeout=600)
    headers = {"Authorization": f"Bearer {real.token()}", "Content-Type": media}
    question = f"/v1/screenings?purpose={NEWSLETTER}&channel=email"
    connection.request("POST", question, body, headers)
    reply = connection.getresponse()
    answer = reply.read()
    summary = _summary(media, answer)
    assert reply.status == 200, answer[-500:]
    assert summary["rows"] == people, summary
    assert 0.7 < summary["permitted"] / people < 0.9, summary


def _summary(media, answer):
    if media == _NDJSON:
        return json.loads(answer.rsplit(b"\n", 2)[-2])["summary"]
    metadata = pyarrow.parquet.ParquetFile(io.BytesIO(answer)).metadata.metadata
    return json.loads(metadata[b"consent.summary"])


def _peak_mb(real):
    return max(
        int(Path(f"/proc/{one}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
        for one in real.command.workers()
    )
