"""Sealing a backlog, beside the bare work; and what sealing takes from decisions beside it."""

import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from random import randbytes

import psycopg
from msgspec.structs import replace

from consent_service.app import create_app
from consent_service.crypto import keyring
from consent_service.crypto.envelope import Sealed
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger import tree_store
from consent_service.ledger.merkle import root_of
from consent_service.ledger.sealer import BATCH
from consent_service.ledger.tiles import WIDTH
from consent_service.storage import migrations, statistics
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.bench import report
from tests.bench.filling import PAYLOAD
from tests.bench.load import CONNECTIONS, post
from tests.bench.measure import compared, in_turn, timed
from tests.bench.serving import NEWSLETTER, service
from tests.bench.worker import standing_still
from tests.support import log, postgres, stores

COUNT = 100_000
TITLE = "Sealing"
TEXT = f"""
{COUNT:,} entries that wait, sealed by one sealer. The bare work is the same leaves hashed into
tiles and inserted by the driver, a transaction for each {BATCH:,}: nothing is read, made or signed.
PostgreSQL has analysed its tables before, as it does by itself within a minute; until then the
sealer makes two thirds of that.

Then `consent serve` as it comes under wrk, {CONNECTIONS} connections that post `/v1/decisions` on
the cores that it runs on: with its worker standing still, and with it sealing what they log.
"""
_PARTS = {
    "client_id": "campaigns", "purpose": NEWSLETTER, "channel": "email",
    "recipient": "email_service", "touchpoint": "web", "outcome": "permit",
    "reason": "consent_given", "catalogue_version": 1, "data_categories": ("email_address", "name"),
}  # fmt: skip
_CATCHES_UP_S = 2  # with what was logged while it stood still; it takes half a second
_TREE = ("ledger_leaves", "ledger_tiles", "ledger_checkpoints", "ledger_head")
_INSERT = "INSERT INTO ledger_leaves (leaf_index, entry_id, leaf) VALUES (?, ?, ?)"


def run():
    """Measures and writes the sections."""
    with postgres.server(durable=True) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE served")
        _measure("postgresql", url, url.removesuffix("postgres") + "served")
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        where = [f"sqlite:///{Path(place) / name}.sqlite3" for name in ("backlog", "served")]
        _measure("sqlite", *where)


def _measure(kind, backlog, served):
    lines = compared(
        _backlog(kind, backlog), "bare hashes and rows", "the sealer", "leaves/s", "≥ 20,000"
    )
    lines += compared(
        _beside(served), "decisions, nobody seals", "decisions, sealed", "requests/s", "> 0.9 ×"
    )
    report.write(f"seal-{kind}", f"{TITLE}: {kind}", TEXT, lines, kind)


def _backlog(kind, url):
    app = create_app(stores.settings_for(url, keyring.generate(utc_now())))
    with app.app_context():
        migrations.migrate()
        for _ in range(0, COUNT, BATCH):
            ledger.append([_entry() for _ in range(BATCH)])
        assert log.seal() == COUNT
        with reading() as tx:
            leaves = tree_store.list_leaves(tx, 0, COUNT)
        if kind == "sqlite":
            leaves = [(index, made.hex, leaf) for index, made, leaf in leaves]
        pairs = in_turn(lambda: _bare(kind, url, leaves), _sealed)
        db.engine.dispose()
    return pairs


def _entry():
    entry, commitment = log.an_entry(**_PARTS), randbytes(32)
    return replace(
        entry, place=new_uuid(), known=True, commitment=commitment,
        payload=Sealed(randbytes(PAYLOAD)),
    )  # fmt: skip


def _sealed():
    _unseal()
    return timed(log.seal, COUNT)


def _bare(kind, url, leaves):
    _unseal()
    with _connected(url) as connection:
        return timed(lambda: _write(connection, _insert(kind), leaves), COUNT)


def _insert(kind):
    return _INSERT if kind == "sqlite" else _INSERT.replace("?", "%s")


def _unseal():
    """On PostgreSQL, what is deleted would be in the way of the next look; and what it knows of its
    tables is made to be as it is a minute after, when it has looked by itself."""
    with unit_of_work() as tx:
        for table in _TREE:
            if tx.dialect.name == "postgresql":
                tx.exec_driver_sql(f"TRUNCATE {table}")
            else:
                tx.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # names of our own
    statistics.refresh()


@contextmanager
def _connected(url):
    if not url.startswith("sqlite"):
        with psycopg.connect(url) as connection:
            yield connection
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for pragma in ("synchronous=FULL", "secure_delete=ON", "cache_size=-4096"):
            connection.execute("PRAGMA " + pragma)
        yield connection


def _write(connection, insert, leaves):
    for at in range(0, len(leaves), BATCH):
        some = leaves[at : at + BATCH]
        hashes = [sha256(b"\0" + leaf).digest() for _, _, leaf in some]
        for tile in range(0, len(hashes), WIDTH):
            root_of(hashes[tile : tile + WIDTH])
        connection.cursor().executemany(insert, some)
        connection.commit()


def _beside(url):
    with service(url) as real:
        asked = {"purpose": NEWSLETTER, "channel": "email"}
        bodies = [{"customer_id": one, **asked} for one, _ in real.people]

        def sealed():
            return post(real.address + "/v1/decisions", bodies, real.token()).rate

        def alone():
            with standing_still(real.command, real.token):
                rate = sealed()
            time.sleep(_CATCHES_UP_S)
            return rate

        return in_turn(alone, sealed)
