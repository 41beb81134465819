"""Screening a large audience, beside the bare join of the same names with the same records."""

import hashlib
import io
import json
import random
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyarrow
import pyarrow.parquet

from consent_service.crypto import blind_index, keyring
from consent_service.kernel.ids import CustomerId, customer_id_text
from tests.bench import crowd, report
from tests.bench.measure import Line, Spread, timed
from tests.bench.serving import NEWSLETTER, service
from tests.support import postgres

PEOPLE = 2_000_000
RUNS = 2
TITLE = "Screening of a large audience, on PostgreSQL"
TEXT = f"""
`POST /v1/screenings` with {PEOPLE:,} different people, of as many customers, from a client on the
same cores, until the summary is read. The bare join is the same names by `COPY` into a
temporary table, joined with the records in force, the permitted names read back: it checks no
suppression, age, restriction or notice, logs nothing and remembers no member. The memory is what
the serving process grew by at its peak (VmHWM).
"""
_ID_JOIN = """SELECT a.name FROM asked a JOIN consent_records r ON r.customer_id = a.name
WHERE r.purpose = %s AND r.channel = 'email' AND r.recorded_to IS NULL AND r.state = 'given'"""
_SHA_JOIN = """SELECT a.name FROM asked a JOIN identifier_index i ON i.digest = a.name
JOIN consent_records r USING (customer_id)
WHERE r.purpose = %s AND r.channel = 'email' AND r.recorded_to IS NULL AND r.state = 'given'"""
_NDJSON, _PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"


def run():
    """Measures and writes the section."""
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
            rates = [(timed(bare, PEOPLE), _screened(real, media, body)) for _ in range(RUNS)]
            base, own = zip(*rates, strict=True)
            lines += [
                Line(f"bare join: {name}", "names/s", Spread.of(base)),
                Line(f"screening: {name}", "rows/s", Spread.of(own),
                     Spread.of([b / a for a, b in rates]), "≥ 0.6 ×"),
            ]  # fmt: skip
        grown = _peak_mb(real) - before
        lines.append(Line("memory, grown by", "MB", Spread.of([grown]), None, "< 100"))
    report.write("audiences", TITLE, TEXT, lines, "postgresql")


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
            for one, at in zip(ids, indexed, strict=True):
                copy.write_row((at.digest, at.key_id, 1, one, one))
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return ids, [at.digest for at in indexed], [inner.hex() for inner in hashes]


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


def _screened(real, media, body):
    return timed(lambda: _post(real, media, body), PEOPLE)


def _post(real, media, body):
    connection = HTTPConnection(urlsplit(real.address).netloc, timeout=600)
    headers = {"Authorization": f"Bearer {real.token()}", "Content-Type": media}
    question = f"/v1/screenings?purpose={NEWSLETTER}&channel=email"
    connection.request("POST", question, body, headers)
    reply = connection.getresponse()
    answer = reply.read()
    summary = _summary(media, answer)
    assert reply.status == 200, answer[-500:]
    assert summary["rows"] == PEOPLE, summary
    assert 0.7 < summary["permitted"] / PEOPLE < 0.9, summary


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
