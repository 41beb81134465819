"""Changes in the order of their leaves: one sealer gives it, after the commit, so that nothing that
is committed late is passed by. An entry is there within a second of its commit."""

from collections.abc import Collection
from datetime import UTC, datetime

from msgspec import Struct

from consent_service.kernel.ids import time_of
from consent_service.ledger import feed_store, retention_store, store, tree_store
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.unit_of_work import reading

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Stretch(Struct, frozen=True):
    """Changes from one index of a leaf up to another, which the next stretch begins with. What was
    erased or is past its retention is left out. `more`: there were others already."""

    entries: list[tuple[int, Entry]]
    until: int
    more: bool


def list_changes(start: int, limit: int) -> Stretch:
    """The changes from an index on, at most so many, in order."""
    with reading() as tx:
        head = tree_store.find_head(tx)  # first: what is sealed meanwhile is for the next look
        size = 0 if head is None else head.size
        found = [each for each in feed_store.list_changes(tx, start, limit + 1) if each[0] < size]
        more = len(found) > limit
        found = found[:limit]
        ids = [entry_id for _, entry_id in found if entry_id is not None]
        there = {entry.id: entry for entry in store.list_by_ids(tx, ids)}
    entries = [(index, there[made]) for index, made in found if made is not None and made in there]
    return Stretch(entries, found[-1][0] + 1 if more else max(start, size), more)


def find_size() -> int:
    """How many leaves there are."""
    with reading() as tx:
        head = tree_store.find_head(tx)
    return 0 if head is None else head.size


def kept_from(kinds: Collection[EntryKind]) -> datetime:
    """Since when nothing of these kinds was let go for its age."""
    with reading() as tx:
        gone = retention_store.find_kept_from(tx)
    return max((time_of(gone[kind]) for kind in kinds if kind in gone), default=_EVER)
