"""`make bench-log`: pages, looks of the sealer and the verifier, inserts and retention on a log of
many entries, in a store of its own that goes when it ends. Needs about 1.4 KB of disk an entry.

    python -m tests.bench.log --store postgresql --entries 10000000
"""

import argparse
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from uuid import UUID

import psycopg
from sqlalchemy import inspect, text

from consent_service.app import create_app
from consent_service.crypto import keyring
from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import partition_store, retention, tree_store, unsealed_store, verify
from consent_service.ledger.model import EntryKind
from consent_service.ledger.partitions import month_of
from consent_service.storage import migrations
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.bench import filling, inserting, pages
from tests.support import postgres, stores
from tests.support.clock import START

say = partial(print, flush=True)


def main():
    asked = _arguments()
    room = shutil.disk_usage(asked.dir).free
    if room < asked.entries * 2_000:
        sys.exit(f"{asked.dir} has {room / 1e9:.0f} GB free; that is too little")
    with _store(asked) as url:
        app = create_app(stores.settings_for(url, keyring.generate(START)))
        with app.app_context():
            migrations.migrate()
            fill(url, asked.entries)
            _report(asked)
            db.engine.dispose()


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.log", description=__doc__)
    parser.add_argument("--store", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    return parser.parse_args()


@contextmanager
def _store(asked):
    if asked.store == "postgresql":
        with postgres.server(asked.dir) as url:
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="consent-bench-", dir=asked.dir) as directory:
        yield f"sqlite:///{directory}/log.sqlite3"


def fill(url, count):
    """Fills the migrated, empty store of the app with so many entries."""
    started = time.monotonic()
    with unit_of_work() as tx:
        if partition_store.is_partitioned(tx):
            _make_months(tx)
        made_later = _drop_indexes(tx)
    db.engine.dispose()
    with closing(_connect(url)) as connection:
        filling.fill(connection, count)
        for statement in made_later:
            connection.execute(statement)
        connection.execute("ANALYZE")
        if url.startswith("sqlite"):
            connection.execute("PRAGMA journal_mode=WAL")
    say(f"filled with {count:,} entries and leaves in {time.monotonic() - started:.0f} s")


def _connect(url):
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    return psycopg.connect(url, autocommit=True)


def _make_months(tx):
    for lo, _ in filling.months():
        month = month_of(lo)
        bounds = (month.name, month.first, month.after.first)
        partition_store.create(tx, *bounds)
        partition_store.attach(tx, *bounds)


def _drop_indexes(tx):
    """Indexes are made faster over what is there; how to make them again."""
    if tx.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND "
    else:
        query = "SELECT replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes WHERE "
    made = []
    if tx.dialect.name == "postgresql":
        key = "CONSTRAINT pk_ledger_entries"
        tx.execute(text(f"ALTER TABLE ledger_entries DROP {key}"))
        made.append(f"ALTER TABLE ledger_entries ADD {key} PRIMARY KEY (customer_id, id)")
    for table in ("ledger_entries", "ledger_leaves"):
        column = "tbl_name" if tx.dialect.name == "sqlite" else "tablename"
        found = tx.scalars(text(f"{query} {column} = :table"), {"table": table}).all()
        made += [one for one in found if " pk_" not in one]
        for index in inspect(tx).get_indexes(table):
            tx.execute(text(f"DROP INDEX {index['name']}"))
    return made


def _report(asked):
    with reading() as tx:
        sizes = _sizes(tx, asked.entries)
        version = tx.scalar(
            text("SELECT sqlite_version()" if asked.store == "sqlite" else "SHOW server_version")
        )
    say(f"{asked.store} {version}, Python {platform.python_version()}, {platform.machine()}")
    say(f"\nbytes an entry: {sizes}")
    say(f"\n{'page':28} where limit rows      min   median      max  (ms)")
    pages.report(asked.rounds, say)
    say("\nlooks (ms)")
    for name, look in _looks().items():
        say(f"{name:44} {_times(look, asked.rounds)}")
    started = time.perf_counter()
    verify._check_nothing_waits(0, filling.END)
    say(f"unsealed of all, in stretches: {time.perf_counter() - started:.0f} s")
    if asked.store == "postgresql":  # SQLite cannot take an index away for a moment
        say("\ninserts, one statement each (us); the last figure is all to that")
        inserting.report(5_000, asked.rounds, say)
    say(f"\nretention: {_retention_rate():,.0f} entries a second")


def _sizes(tx, count):
    if tx.dialect.name == "sqlite":
        query = "SELECT name, sum(pgsize) FROM dbstat WHERE name LIKE '%ledger_%' GROUP BY name"
    else:
        query = (
            "SELECT coalesce(p.relname, c.relname), sum(pg_relation_size(c.oid)) FROM pg_class c "
            "LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
            "LEFT JOIN pg_class p ON p.oid = i.inhparent "
            "WHERE c.relkind IN ('r', 'i') AND c.relname LIKE '%ledger_%' GROUP BY 1"
        )
    found = sorted(tx.execute(text(query)).all(), key=lambda row: -row[1])
    return ", ".join(f"{name} {size / count:.1f}" for name, size in found if size > count / 10)


def _looks():
    recent, swept = (filling.END - timedelta(**ago) for ago in ({"seconds": 10}, {"minutes": 6}))
    return {
        "the newest entry": tree_store.find_newest_entry,
        "unsealed of the last ten seconds": lambda tx: _unsealed(tx, recent),
        "unsealed of the last six minutes": lambda tx: _unsealed(tx, swept),
    }


def _unsealed(tx, since):
    packed = unsealed_store.pack_ids(tx, first_uuid_of(since))
    last = UUID(bytes=packed[-16:])
    assert unsealed_store.pack_sealed_ids(tx, first_uuid_of(since), last) == packed


def _times(look, rounds):
    took = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        with reading() as tx:
            look(tx)
        took.append((time.perf_counter() - started) * 1_000)
    took = took[1:]
    return f"{min(took):8.1f} {median(took):8.1f} {max(took):8.1f}"


def _retention_rate():
    until = first_uuid_of(filling.START + timedelta(days=60))
    started, gone = time.perf_counter(), 0
    for _ in range(20):
        gone += retention.forget_some(EntryKind.DECISION, until)
    return gone / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
