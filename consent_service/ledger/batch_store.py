"""SQL of batches: answers that were given together, and have one leaf."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from consent_service.ledger.merkle import HASH_BYTES
from consent_service.ledger.tables import LedgerBatchRow, LedgerEntryRow, LedgerLeafRow
from consent_service.storage.many import among

MOST = 1 << 14  # how far the id of an answer is from its batch's


class Batch(Struct, frozen=True):
    """A batch as it was kept: the hash of each answer, and which of their entries are gone."""

    id: UUID
    hashes: bytes
    gone: int  # a bit for each, the first answer's the lowest


def position(batch_id: UUID, entry_id: UUID) -> int:
    """Which answer of its batch an entry is, from 0: their ids follow the batch's own."""
    return entry_id.int - batch_id.int - 1


def add_batch(tx: Connection, batch_id: UUID, hashes: bytes) -> None:
    """Keeps the hashes of a batch."""
    tx.execute(insert(LedgerBatchRow).values(id=batch_id, hashes=hashes, gone=b""))


def find_batch(tx: Connection, batch_id: UUID) -> Batch | None:
    """A batch."""
    query = select(LedgerBatchRow.__table__).where(LedgerBatchRow.id == batch_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else Batch(row.id, bytes(row.hashes), _bits(row.gone))


def list_sealed(tx: Connection, lo: int, hi: int) -> list[tuple[int, UUID]]:
    """The batches whose leaves are in a range, with their leaves' indexes."""
    leaf = LedgerLeafRow
    query = select(leaf.leaf_index, LedgerBatchRow.id).join(
        LedgerBatchRow, LedgerBatchRow.id == leaf.entry_id
    )
    within = query.where(leaf.leaf_index >= lo, leaf.leaf_index < hi).order_by(leaf.leaf_index)
    return [(row.leaf_index, row.id) for row in tx.execute(within)]


def note_gone(tx: Connection, these: ColumnElement[bool]) -> None:
    """Notes in their batches that entries are about to go. Batches are held in order of id."""
    entry, places = LedgerEntryRow, defaultdict[UUID, int](int)
    answers = select(entry.id, entry.batch_id).where(these, entry.batch_id.is_not(None))
    for row in tx.execute(answers):
        places[row.batch_id] |= 1 << position(row.batch_id, row.id)
    if not places:
        return
    kept = LedgerBatchRow
    held = select(kept.id, kept.gone).where(among(tx, kept.id, list(places)))
    rows = tx.execute(held.order_by(kept.id).with_for_update()).all()
    tx.execute(
        update(kept).where(kept.id == bindparam("batch")).values(gone=bindparam("bits")),
        [{"batch": row.id, "bits": _bytes(_bits(row.gone) | places[row.id])} for row in rows],
    )


def delete_batches(tx: Connection, batch_ids: Sequence[UUID]) -> int:
    """Forgets batches whose answers are all gone; their leaves stay. How many answers they had."""
    these = among(tx, LedgerBatchRow.id, batch_ids)
    size = func.sum(func.length(LedgerBatchRow.hashes))
    had = tx.scalar(select(size).where(these)) or 0
    tx.execute(delete(LedgerBatchRow).where(these))
    return int(had) // HASH_BYTES


def _bits(gone: bytes) -> int:
    return int.from_bytes(gone, "little")


def _bytes(bits: int) -> bytes:
    return bits.to_bytes(-(-bits.bit_length() // 8), "little")
