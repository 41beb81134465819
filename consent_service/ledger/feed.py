"""Changes in the order of their leaves: one sealer gives it, after the commit, so that nothing that
is committed late is passed by. An entry is there within a second of its commit."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from consent_service.kernel.ids import time_of
from consent_service.ledger import feed_store, retention_store, store, tree_store
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import reading, unit_of_work

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
        leaves = feed_store.list_leaves(tx, start, limit)
        there = _by_id(store.list_by_ids(tx, [made for _, made in leaves.found]))
    entries = [(at, there[made]) for at, made in leaves.found if made in there]
    return Stretch(entries, leaves.until, leaves.more)


def is_one_from(start: int) -> bool:
    """Whether there may be a change from an index on."""
    with direct() as door:
        return feed_store.is_one_from(door, start)


def hold_changes(start: int, limit: int) -> Stretch:
    """As `list_changes`, for a caller who writes down whom they are about: until the caller's unit
    of work ends, no erasure and no merge takes one of them away. It ends before what one of
    those is at just now."""
    with unit_of_work() as tx:
        leaves = feed_store.list_leaves(tx, start, limit)
        held = _by_id(store.list_by_ids(tx, [made for _, made in leaves.found], held=True))
        others = [made for _, made in leaves.found if made not in held]
        taken = _by_id(store.list_by_ids(tx, others))
    until = min((at for at, made in leaves.found if made in taken), default=leaves.until)
    entries = [(at, held[made]) for at, made in leaves.found if made in held and at < until]
    return Stretch(entries, until, leaves.more or bool(taken))


def _by_id(entries: Iterable[Entry]) -> dict[UUID, Entry]:
    return {entry.id: entry for entry in entries}


def find_size() -> int:
    """How many leaves there are."""
    with reading() as tx:
        head = tree_store.find_head(tx)
    return 0 if head is None else head.size


def find_indexes(entry_ids: Collection[UUID]) -> dict[UUID, int]:
    """Which leaf stands for which entry, of those that are sealed."""
    with reading() as tx:
        return tree_store.find_indexes(tx, list(entry_ids))


def kept_from(kinds: Collection[EntryKind]) -> datetime:
    """Since when nothing of these kinds was let go for its age, and the log was not put back."""
    with reading() as tx:
        gone = retention_store.find_kept_from(tx)
        renamed = tree_store.find_renamed(tx) or _EVER
    return max([renamed, *(time_of(gone[kind]) for kind in kinds if kind in gone)])
