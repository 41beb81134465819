"""How many entries went, which leaves say, so that the verifier can tell what went by the rules
from what somebody took away.

An erasure says it at once, in the leaf of its own entry. Retention adds up, and an entry says once
a day for each kind what that came to: a staff act, `log_retention`, with the kind as its outcome.
Besides kinds there are two words: `answers`, those of batches that went altogether, of which
nothing is left to be counted; and `before`, what went before counting began.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from consent_service.kernel.ids import first_uuid_of, new_uuid
from consent_service.ledger import counting_store as store
from consent_service.ledger import retention_store, service, tree_store
from consent_service.ledger.leaves import Leaf
from consent_service.ledger.model import Entry, EntryKind
from consent_service.ledger.tree_store import Head
from consent_service.storage.unit_of_work import reading, unit_of_work

ANSWERS = "answers"
REASON = "log_retention"
BETWEEN = timedelta(days=1)
_PAGE = 2_048
_COUNTS = b'"entries":'  # in no other leaf than one that says how many went
_read_leaf = msgspec.json.Decoder(Leaf).decode


class Told(Struct, frozen=True):
    """How many entries went, as far as something says it, and how many answers of those are in
    batches that are no more."""

    entries: int = 0
    answers: int = 0

    def __add__(self, other: "Told") -> "Told":
        return Told(self.entries + other.entries, self.answers + other.answers)


def told_by_leaf(leaf: bytes) -> Told:
    """What a leaf says of entries that went."""
    return _told_by(_read_leaf(leaf)) if _COUNTS in leaf else Told()


def find_unsaid() -> Told:
    """What is counted and no entry says yet."""
    with reading() as tx:
        counted = store.list_unsaid(tx)
    answers = counted.get(ANSWERS, 0)
    return Told(sum(counted.values()) - answers, answers)


def find_late(head: Head) -> Told:
    """What is told outside of the leaves up to a head: counted, said and not sealed, or sealed
    since; in the order in which the one becomes the other, so that nothing is missed."""
    told = find_unsaid()
    with reading() as tx:
        for row in store.list_unsealed(tx, first_uuid_of(head.sealed_until)):
            told += _told_by(row)
        newest = tree_store.find_head(tx) or head
    for lo in range(head.size, newest.size, _PAGE):
        with reading() as tx:
            leaves = tree_store.list_leaves(tx, lo, min(lo + _PAGE, newest.size))
        for _, _, leaf in leaves:
            told += told_by_leaf(leaf)
    return told


def _told_by(said: Any) -> Told:
    """What an entry, or its leaf, says: `kind`, `reason`, `outcome`, `entries`."""
    if said.entries is None:
        return Told()
    if said.kind == EntryKind.ERASURE:
        return Told(said.entries)
    if (said.kind, said.reason) != (EntryKind.STAFF_ACT, REASON):
        return Told()
    return Told(answers=said.entries) if said.outcome == ANSWERS else Told(said.entries)


def say(now: datetime) -> int:
    """Logs what went and was not said yet, of each kind once a day; how many entries that took."""
    with unit_of_work() as tx:
        retention_store.lock(tx)
        due = store.list_due(tx, now - BETWEEN)
        service.append([_entry(what, count, now) for what, count in due.items()])
        store.set_said(tx, list(due), now)
    return len(due)


def _entry(what: str, count: int, now: datetime) -> Entry:
    entry_id, kind = new_uuid(), EntryKind.STAFF_ACT
    entry = Entry(
        entry_id, entry_id, False, kind, now, now, reason=REASON, outcome=what, entries=count
    )
    return service.bare_entry(entry)
