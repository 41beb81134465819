"""What the indexes cost where an answer is logged: entries put in one statement each, with all
indexes and without some, in turns. Nothing is kept, so commits are not in it: they cost the same
with and without."""

import random
import time
from datetime import UTC, datetime
from statistics import median

from sqlalchemy import inspect

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import store
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.bench.filling import PAYLOAD

NEEDED = "ix_ledger_entries_id"  # the log cannot do without its order


class _NotKept(Exception):
    pass


def measure(count, rounds):
    """{what is left out: microseconds an entry, by round}."""
    with reading() as tx:
        every = sorted(index["name"] for index in inspect(tx).get_indexes("ledger_entries"))
    filters = [name for name in every if name != NEEDED]
    variants = {"nothing": [], "all for filters": filters} | {name: [name] for name in filters}
    took = {name: [] for name in variants}
    for _ in range(rounds):
        for name, without in variants.items():
            took[name].append(_insert(count, without))
    return took


def _insert(count, without):
    entries, took = [_entry() for _ in range(count)], 0.0
    try:
        with unit_of_work() as tx:
            for index in without:
                tx.exec_driver_sql(f"DROP INDEX {index}")
            for entry in entries[:200]:
                store.add_entries(tx, (entry,))
            started = time.perf_counter()
            for entry in entries[200:]:
                store.add_entries(tx, (entry,))
            took = time.perf_counter() - started
            raise _NotKept
    except _NotKept:
        return took / (count - 200) * 1e6


def _entry():
    made, now = new_uuid(), datetime.now(UTC)
    return Entry(
        made, new_uuid(), True, EntryKind.DECISION, now, now, "campaigns",
        random.choice(["marketing.newsletter", "marketing.offers", "orders"]), "email",
        ("email_address", "name"), random.choice(["email_service", "ad_platform"]),
        random.choice([None, None, "web"]), "permit", "consent_given", 1, None,
        random.randbytes(32), random.randbytes(16), Sealed(random.randbytes(PAYLOAD)),
    )  # fmt: skip


def report(count, rounds, say):
    """Says what each costs, and what it is to all of them."""
    took = measure(count, rounds)
    full = median(took["nothing"])
    for name, each in took.items():
        figures = f"{min(each):7.0f} {median(each):7.0f} {max(each):7.0f}"
        say(f"without {name:42} {figures} us  {full / median(each):.3f}")
