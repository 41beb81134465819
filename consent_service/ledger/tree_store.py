"""SQL of the tree: leaves, tiles, checkpoints, and the head that one sealer at a time holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Connection,
    ScalarSelect,
    String,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from consent_service.ledger import batch_store
from consent_service.ledger.tables import (
    LedgerCheckpointRow,
    LedgerEntryRow,
    LedgerFormerNameRow,
    LedgerHeadRow,
    LedgerLeafRow,
    LedgerTileRow,
)
from consent_service.storage.as_text import instant_text
from consent_service.storage.bulk import insert_columns, spelled_out
from consent_service.storage.direct import Door
from consent_service.storage.locks import hold
from consent_service.storage.many import among
from consent_service.storage.prepared import Prepared

Sayable = Any  # a row with the columns of `SAID`
NewLeaf = tuple[UUID, bytes, bool]  # with the id of its entry, and whether that is a change

SAID = (  # as `leaf_of` takes them, and what puts leaves in order
    LedgerEntryRow.id,
    LedgerEntryRow.catalogue_version,
    LedgerEntryRow.channel,
    LedgerEntryRow.client_id,
    LedgerEntryRow.commitment,
    LedgerEntryRow.data_categories,
    LedgerEntryRow.entries,
    LedgerEntryRow.kind,
    LedgerEntryRow.known,
    LedgerEntryRow.outcome,
    LedgerEntryRow.purpose,
    LedgerEntryRow.reason,
    LedgerEntryRow.recipient,
    instant_text(LedgerEntryRow.occurred_at).label("time"),
    LedgerEntryRow.token,
    LedgerEntryRow.touchpoint,
    type_coerce(LedgerEntryRow.customer_id, String()).label("place"),  # to be told apart by alone
    LedgerEntryRow.revision,
)
_head, _tile = LedgerHeadRow, LedgerTileRow
_NEWEST = Prepared(select(LedgerEntryRow.id).order_by(LedgerEntryRow.id.desc()).limit(1))
_HEAD = Prepared(select(_head.origin, _head.size, _head.sealed_until))
_SET_HEAD = Prepared(
    update(_head).values(size=bindparam("to_size"), sealed_until=bindparam("until"))
)
_this_tile = (_tile.level == bindparam("of_level"), _tile.n == bindparam("of_n"))
_TILE = Prepared(select(_tile.hashes).where(*_this_tile))
_GROW_TILE = Prepared(update(_tile).where(*_this_tile).values(hashes=bindparam("grown")))
_ADD_TILE = Prepared(insert(_tile))
_ADD_CHECKPOINT = Prepared(insert(LedgerCheckpointRow))
_ONE = 1
_LOCK = b"ledger.h"


class Head(Struct, frozen=True):
    """Where the log is: its name, how many leaves, and until when nothing is left to seal."""

    origin: str
    size: int
    sealed_until: datetime


class Kept(Struct, frozen=True):
    """A checkpoint as it was signed."""

    size: int
    root: bytes
    note: str


def lock_head(tx: Connection) -> Head | None:
    """The head, held until the unit of work ends; None before the first leaf."""
    hold(tx, [_LOCK])
    return find_head(tx)


def find_head(tx: Connection) -> Head | None:
    """The head."""
    row = tx.execute(select(LedgerHeadRow.__table__)).one_or_none()
    return None if row is None else Head(row.origin, row.size, row.sealed_until)


def find_ends(door: Door) -> tuple[UUID | None, Head | None]:
    """The largest id of an entry, and the head."""
    newest, head = door.rows(_NEWEST), door.rows(_HEAD)
    return newest[0][0] if newest else None, Head(*head[0]) if head else None


def add_head(tx: Connection, head: Head) -> None:
    """Keeps the first head."""
    tx.execute(
        insert(LedgerHeadRow).values(
            id=_ONE, origin=head.origin, size=head.size, sealed_until=head.sealed_until
        )
    )


def set_head(door: Door, size: int, sealed_until: datetime) -> None:
    """Moves the head on."""
    door.execute(_SET_HEAD, to_size=size, until=sealed_until)


def rename(tx: Connection, head: Head, origin: str, now: datetime) -> None:
    """Gives the log another name from its present size on. A name that it had at that size alone
    has signed nothing, and is not kept."""
    row = LedgerFormerNameRow
    if not tx.execute(update(row).where(row.size == head.size).values(ended_at=now)).rowcount:
        tx.execute(insert(row).values(size=head.size, origin=head.origin, ended_at=now))
    tx.execute(update(LedgerHeadRow).values(origin=origin))


def list_former_names(tx: Connection) -> list[tuple[int, str]]:
    """What the log was called before, each up to a size, the smallest first."""
    row = LedgerFormerNameRow
    found = tx.execute(select(row.size, row.origin).order_by(row.size))
    return [(each.size, each.origin) for each in found]


def find_renamed(tx: Connection) -> datetime | None:
    """When the log got its present name, if it had another."""
    return tx.scalar(select(func.max(LedgerFormerNameRow.ended_at)))


def find_newest_entry(tx: Connection) -> UUID | None:
    """The largest id of an entry."""
    return tx.scalar(select(LedgerEntryRow.id).order_by(LedgerEntryRow.id.desc()).limit(1))


def find_entry_after(tx: Connection, since: UUID, count: int) -> UUID | None:
    """The id that so many entries lie before, of those with an id from `since` on; None when there
    are not as many."""
    made = LedgerEntryRow.id
    query = select(made).where(made >= spelled_out(since)).order_by(made)
    return tx.scalar(query.offset(count).limit(1))


def has_unsealed(tx: Connection, since: UUID, until: UUID) -> bool:
    """Whether an entry from one id up to another has no leaf."""
    made = LedgerEntryRow.id
    within = (made >= spelled_out(since), made < spelled_out(until))
    alone = (LedgerEntryRow.batch_id.is_(None), index_of_leaf(made).is_(None))
    return tx.scalar(select(made).where(*within, *alone).limit(1)) is not None


def list_unsealed_of(tx: Connection, customers: Sequence[UUID]) -> set[UUID]:
    """Those of these customers about whom an entry has no leaf."""
    place = LedgerEntryRow.customer_id
    query = select(place).distinct().where(place.in_(customers), leaf_of_entry().is_(None))
    return set(tx.scalars(query))


def leaf_of_entry() -> ScalarSelect[int]:
    """The index of the leaf that stands for an entry."""
    return index_of_leaf(func.coalesce(LedgerEntryRow.batch_id, LedgerEntryRow.id))


def index_of_leaf(entry_id: Any) -> ScalarSelect[int]:
    """A leaf's index, looked for entry by entry. A join may be planned as a walk over all leaves:
    PostgreSQL cannot tell how many ids a range of UUIDs has."""
    leaf = select(LedgerLeafRow.leaf_index).where(LedgerLeafRow.entry_id == entry_id)
    return leaf.scalar_subquery()


def add_leaves(tx: Connection, first: int, leaves: Sequence[NewLeaf]) -> None:
    """Adds leaves, at least one, from an index on."""
    entry_ids, said, changes = zip(*leaves, strict=True)
    indexes = range(first, first + len(leaves))
    columns = {"leaf_index": indexes, "entry_id": entry_ids, "leaf": said, "change": changes}
    insert_columns(tx, LedgerLeafRow, columns)


def hold_entries(tx: Connection, customers: Sequence[UUID]) -> list[tuple[UUID, UUID, bool]]:
    """The entries about customers, which nobody else takes away until the unit of work ends:
    customer, id, whether it has a leaf."""
    entry = LedgerEntryRow
    query = select(entry.customer_id, entry.id, leaf_of_entry().is_not(None))
    held = query.where(entry.customer_id.in_(customers)).with_for_update(of=entry)
    return [(row[0], row[1], row[2]) for row in tx.execute(held)]


def forget_entries(tx: Connection, customers: Sequence[UUID], entry_ids: Sequence[UUID]) -> None:
    """Removes these entries about customers, each with what leads to it from its leaf."""
    entry, leaf = LedgerEntryRow, LedgerLeafRow
    these = entry.customer_id.in_(customers) & among(tx, entry.id, entry_ids)
    batch_store.note_gone(tx, these)
    tx.execute(update(leaf).where(among(tx, leaf.entry_id, entry_ids)).values(entry_id=None))
    tx.execute(delete(entry).where(these))


def find_sayable(tx: Connection, entry_ids: Sequence[UUID]) -> dict[UUID, Sayable]:
    """What leaves were made of, by the entries' ids."""
    query = select(*SAID).where(among(tx, LedgerEntryRow.id, entry_ids))
    return {row.id: row for row in tx.execute(query)}


def list_answers(tx: Connection, batch_id: UUID) -> list[Sayable]:
    """What the answers of a batch say, with `batch_id` as the last column."""
    made, last = LedgerEntryRow.id, UUID(int=batch_id.int + batch_store.MOST)
    near = [made > spelled_out(batch_id), made < spelled_out(last)]
    query = select(*SAID, LedgerEntryRow.batch_id).where(*near)
    return list(tx.execute(query.where(LedgerEntryRow.batch_id == batch_id)).fetchall())


def list_leaves(tx: Connection, lo: int, hi: int) -> list[tuple[int, UUID | None, bytes]]:
    """Index, entry and bytes of the leaves of a range, as far as they are there."""
    row = LedgerLeafRow
    query = select(row.leaf_index, row.entry_id, row.leaf).where(
        row.leaf_index >= lo, row.leaf_index < hi
    )
    found = tx.execute(query.order_by(row.leaf_index))
    return [(each.leaf_index, each.entry_id, bytes(each.leaf)) for each in found]


def find_indexes(tx: Connection, entry_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Which leaf stands for which entry."""
    query = select(LedgerLeafRow.entry_id, LedgerLeafRow.leaf_index)
    found = tx.execute(query.where(among(tx, LedgerLeafRow.entry_id, entry_ids)))
    return {row.entry_id: row.leaf_index for row in found if row.entry_id is not None}


def find_tile(tx: Connection, level: int, n: int) -> bytes:
    """The hashes of a tile, as many as there are."""
    found = tx.scalar(
        select(LedgerTileRow.hashes).where(LedgerTileRow.level == level, LedgerTileRow.n == n)
    )
    return b"" if found is None else bytes(found)


def read_tile(door: Door, level: int, n: int) -> bytes:
    """As `find_tile`, for the sealer."""
    found = door.rows(_TILE, of_level=level, of_n=n)
    return bytes(found[0][0]) if found else b""


def put_tile(door: Door, level: int, n: int, before: bytes, hashes: bytes) -> None:
    """Keeps a tile that was grown from what it was before."""
    if before:
        door.execute(_GROW_TILE, of_level=level, of_n=n, grown=hashes)
    else:
        door.execute(_ADD_TILE, level=level, n=n, hashes=hashes)


def add_checkpoint(door: Door, kept: Kept, now: datetime) -> None:
    """Keeps a checkpoint."""
    said = {"size": kept.size, "root": kept.root, "note": kept.note, "signed_at": now}
    door.execute(_ADD_CHECKPOINT, **said)


def find_checkpoint(tx: Connection, size: int | None = None) -> Kept | None:
    """The newest checkpoint, or the first one of at least so many leaves."""
    row = LedgerCheckpointRow
    query = select(row.size, row.root, row.note)
    if size is None:
        query = query.order_by(row.size.desc())
    else:
        query = query.where(row.size >= size).order_by(row.size)
    found = tx.execute(query.limit(1)).one_or_none()
    return None if found is None else Kept(found.size, bytes(found.root), found.note)


def list_checkpoints(tx: Connection, after: int, limit: int) -> list[Kept]:
    """Checkpoints of more than so many leaves, the smallest first."""
    row = LedgerCheckpointRow
    query = select(row.size, row.root, row.note).where(row.size > after).order_by(row.size)
    return [Kept(each.size, bytes(each.root), each.note) for each in tx.execute(query.limit(limit))]
