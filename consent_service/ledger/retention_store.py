"""SQL of retention: what is past it, and up to where nothing of a kind is left."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from consent_service.ledger import batch_store
from consent_service.ledger.filter_store import of_kinds
from consent_service.ledger.model import EntryKind
from consent_service.ledger.tables import LedgerEntryRow, LedgerLeafRow, LedgerRetentionRow
from consent_service.ledger.tree_store import leaf_of_entry
from consent_service.storage.bulk import spelled_out
from consent_service.storage.locks import hold
from consent_service.storage.many import among

_LOCK = b"ledger.r"


def lock(tx: Connection) -> None:
    """Holds retention until the unit of work ends."""
    hold(tx, [_LOCK])


def find_kept_from(tx: Connection) -> dict[EntryKind, UUID]:
    """By kind, what no id of an entry that is left is smaller than; kinds of which nothing ever
    went are left out."""
    rows = tx.execute(select(LedgerRetentionRow.kind, LedgerRetentionRow.kept_from))
    return {EntryKind(row.kind): row.kept_from for row in rows}


def set_kept_from(tx: Connection, kind: EntryKind, kept_from: UUID) -> None:
    """Keeps up to where nothing of a kind is left."""
    mine = LedgerRetentionRow.kind == kind.value
    if not tx.execute(update(LedgerRetentionRow).where(mine).values(kept_from=kept_from)).rowcount:
        tx.execute(insert(LedgerRetentionRow).values(kind=kind.value, kept_from=kept_from))


def list_sealed(
    tx: Connection, kind: EntryKind, since: UUID, until: UUID, limit: int
) -> list[UUID]:
    """The ids of entries of a kind that have a leaf, from one id up to another, by id. They and
    their leaves are held; what an erasure or a merge holds just now is passed over."""
    entry = LedgerEntryRow
    query = select(entry.id, entry.batch_id).where(
        *_of(kind, since, until), leaf_of_entry().is_not(None)
    )
    held = query.order_by(LedgerEntryRow.id).limit(limit).with_for_update(skip_locked=True)
    rows = tx.execute(held).all()
    leaf = LedgerLeafRow.entry_id
    theirs = select(leaf).where(among(tx, leaf, [row.id for row in rows if row.batch_id is None]))
    found = tx.scalars(theirs.with_for_update(skip_locked=True)).all()
    answers = [row.id for row in rows if row.batch_id is not None]
    return sorted([*answers, *(one for one in found if one is not None)])


def find_first(tx: Connection, kind: EntryKind, since: UUID, until: UUID) -> UUID | None:
    """The smallest id of an entry of a kind, from one id up to another."""
    query = select(LedgerEntryRow.id).where(*_of(kind, since, until))
    return tx.scalar(query.order_by(LedgerEntryRow.id).limit(1))


def delete_entries(tx: Connection, entry_ids: Sequence[UUID]) -> int:
    """Forgets sealed entries: their leaves stay, and lead to none. How many answers were in batches
    that went with them."""
    if not entry_ids:
        return 0
    tx.execute(
        update(LedgerLeafRow)
        .where(among(tx, LedgerLeafRow.entry_id, entry_ids))
        .values(entry_id=None)
    )
    between = LedgerEntryRow.id.between(entry_ids[0], entry_ids[-1])
    these = between & among(tx, LedgerEntryRow.id, entry_ids)
    batch_store.note_gone(tx, these)
    answers = batch_store.delete_batches(tx, entry_ids)
    tx.execute(delete(LedgerEntryRow).where(these))
    return answers


def _of(kind: EntryKind, since: UUID, until: UUID) -> list[ColumnElement[bool]]:
    made = LedgerEntryRow.id
    return [*of_kinds([kind]), made >= spelled_out(since), made < spelled_out(until)]
