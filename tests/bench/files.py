"""The log as a file over HTTP, beside a bare reading of the same columns."""

import io
import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pyarrow.parquet

from consent_service.app import create_app
from consent_service.crypto import keyring
from consent_service.kernel.clock import utc_now
from consent_service.storage import migrations
from consent_service.storage.db import db
from tests.bench import log, report
from tests.bench.measure import RUNS, Line, Spread, timed
from tests.bench.serving import service
from tests.bench.worker import standing_still
from tests.support import postgres, stores

COUNT = 300_000
TITLE = "The log as a file"
TEXT = f"""
`GET /v1/disclosures` of a log of {COUNT:,} entries, nine in ten of which are listed, from
`consent serve` to a client on the same cores. The bare reading is of the same columns, with
nothing made of them: `COPY` to the client on PostgreSQL, one cursor on SQLite. The memory is
the serving process's at its peak (VmHWM), from its start.
"""
FORMS = {
    "NDJSON": "application/x-ndjson",
    "CSV": "text/csv",
    "Parquet": "application/vnd.apache.parquet",
}
_QUERY = """SELECT customer_id, id, known, kind, client_id, purpose, channel, data_categories,
 recipient, touchpoint, outcome, reason, catalogue_version, occurred_at, recorded_at,
 (SELECT leaf_index FROM ledger_leaves WHERE entry_id = e.id)
FROM ledger_entries e WHERE kind IN ('decision', 'screening', 'disclosure') ORDER BY id"""
_PIECE = 1 << 16


def run():
    """Measures and writes the sections."""
    with postgres.server(durable=True) as url:
        _measure("postgresql", url, partial(_copied, url))
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        path = Path(place) / "store.sqlite3"
        _measure("sqlite", f"sqlite:///{path}", partial(_selected, path))


def _measure(kind, url, bare):
    app = create_app(stores.settings_for(url, keyring.generate(utc_now())))
    with app.app_context():
        migrations.migrate()
        log.fill(url, COUNT)
        db.engine.dispose()
    with service(url) as real, standing_still(real.command, real.token):
        rates, peaks = [], {form: [] for form in FORMS}
        for _ in range(RUNS):
            rates.append([_bare_rate(bare)])
            for form, media in FORMS.items():
                rates[-1].append(_rate(form, media, real))
                peaks[form].append(max(map(_peak_mb, real.command.workers())))
    report.write(f"files-{kind}", f"{TITLE}: {kind}", TEXT, _lines(rates, peaks), kind)


def _bare_rate(read):
    found = []
    return timed(lambda: found.append(read()), 1) * found[0]


def _copied(url):
    with (
        psycopg.connect(url) as connection,
        connection.cursor().copy(f"COPY ({_QUERY}) TO STDOUT") as copy,
    ):
        return sum(bytes(piece).count(b"\n") for piece in copy)


def _selected(path):
    with closing(sqlite3.connect(path)) as connection:
        return sum(1 for _ in connection.execute(_QUERY))


def _rate(form, media, real):
    asked = Request(  # noqa: S310  # the service just started
        f"{real.address}/v1/disclosures",
        headers={"Accept": media, "Authorization": f"Bearer {real.token()}"},
    )
    return _bare_rate(lambda: _rows(form, asked))


def _rows(form, asked):
    with urlopen(asked) as reply:  # noqa: S310  # as above
        if form == "Parquet":
            return pyarrow.parquet.ParquetFile(io.BytesIO(reply.read())).metadata.num_rows
        return sum(piece.count(b"\n") for piece in iter(partial(reply.read, _PIECE), b""))


def _peak_mb(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _lines(rates, peaks):
    base, *columns = zip(*rates, strict=True)
    lines = [Line("a bare reading", "entries/s", Spread.of(base))]
    for form, column in zip(FORMS, columns, strict=True):
        ratios = Spread.of([own / bare for own, bare in zip(column, base, strict=True)])
        lines += [
            Line(form, "entries/s", Spread.of(column), ratios, "≥ 50,000"),
            Line(f"{form}, memory", "MB", Spread.of(peaks[form]), None, "< 200"),
        ]
    return lines
