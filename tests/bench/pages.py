"""How long pages of a large log take: the statement, the leaves' indexes, and making the values,
as the routes have it; without HTTP."""

import time
from datetime import UTC, datetime
from statistics import median

from consent_service.disclosures.model import KINDS
from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import store, tree_store
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.storage.unit_of_work import reading
from tests.bench.filling import BUSY, END, QUIET, START

ALL = frozenset(KINDS)
USES = frozenset([EntryKind.DISCLOSURE])
MONTH = {"from_": datetime(2025, 3, 1, tzinfo=UTC), "to": datetime(2025, 4, 1, tzinfo=UTC)}
FILTERS = {
    "everything": {},
    "customer with 2,000": {"place": BUSY},
    "customer with 10": {"place": QUIET},
    "customer, uses": {"place": BUSY, "kinds": USES},
    "recipient, half": {"recipient": "email_service"},
    "recipient, rare": {"recipient": "printer"},
    "recipient, none": {"recipient": "nobody"},
    "purpose, 40 %": {"purpose": "marketing.newsletter"},
    "purpose, rare": {"purpose": "product.recall"},
    "kind, decisions": {"kinds": frozenset([EntryKind.DECISION])},
    "kind, uses": {"kinds": USES},
    "kind, screenings": {"kinds": frozenset([EntryKind.SCREENING])},
    "outcome, deny": {"outcome": "deny"},
    "touchpoint, 20 %": {"touchpoint": "web"},
    "touchpoint, rare": {"touchpoint": "kiosk"},
    "from": {"from_": MONTH["from_"]},
    "to": {"to": MONTH["to"]},
    "month": MONTH,
    "breaches": {"kinds": USES, "outcome": "deny"},
    "breaches to one recipient": {"kinds": USES, "outcome": "deny", "recipient": "ad_platform"},
    "recipient and purpose": {"recipient": "ad_platform", "purpose": "marketing.ads"},
    "recipient and purpose, rare": {"recipient": "printer", "purpose": "marketing.newsletter"},
    "recipient and outcome": {"recipient": "call_centre", "outcome": "deny"},
    "recipient and month": {"recipient": "ad_platform", **MONTH},
    "recipient, rare, and month": {"recipient": "printer", **MONTH},
    "purpose and touchpoint": {"purpose": "orders", "touchpoint": "app"},
    "purpose, kind and month": {"purpose": "orders", "kinds": USES, **MONTH},
    "all but kind": {"recipient": "call_centre", "purpose": "orders",
                     "outcome": "permit", "touchpoint": "app", **MONTH},
    "all of it": {"recipient": "call_centre", "purpose": "orders", "kinds": USES,
                  "outcome": "permit", "touchpoint": "app", **MONTH},
}  # fmt: skip
DEEP = START + (END - START) * 0.75
_MONTHS_END = datetime(2025, 3, 30, tzinfo=UTC)


def measure(rounds):
    """(filter, "first" or "deep", limit, rows, milliseconds of each round), one after another."""
    for name, parts in FILTERS.items():
        wanted = EntryFilter(**{"kinds": ALL, **parts})
        deep = first_uuid_of(_MONTHS_END if "to" in parts else DEEP)
        for where, after in (("first", None), ("deep", deep)):
            for limit in (50, 200):
                yield name, where, limit, *_times(wanted, after, limit, rounds)


def _times(wanted, after, limit, rounds):
    took = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        with reading() as tx:
            found = store.list_entries(tx, wanted, after, limit + 1)
            tree_store.find_indexes(tx, [entry.id for entry in found])
        took.append((time.perf_counter() - started) * 1_000)
    return min(len(found), limit), took[1:]


def report(rounds, say):
    """Says each, and at last the slowest median."""
    slowest = 0.0
    for name, where, limit, rows, took in measure(rounds):
        slowest = max(slowest, median(took))
        figures = f"{min(took):8.1f} {median(took):8.1f} {max(took):8.1f}"
        say(f"{name:28} {where:5} {limit:4} {rows:4} {figures}")
    say(f"slowest median: {slowest:.1f} ms")
