"""SQL of what has no leaf yet. To look for the leaf of each entry of a stretch costs the store
three times what it costs to give their ids, all in one value, for the sealer to set against those
that have one. What is to be sealed is then looked for by itself."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    String,
    func,
    literal_column,
    select,
    type_coerce,
)

from consent_service.ledger.tables import LedgerEntryRow, LedgerLeafRow
from consent_service.ledger.tree_store import SAID, Sayable, index_of_leaf
from consent_service.storage.bulk import spelled_out
from consent_service.storage.many import among

_made = LedgerEntryRow.id


def pack_ids(tx: Connection, since: UUID, limit: int | None = None) -> bytes:
    """Ids, 16 bytes each, of the first entries from an id on, in order; all but answers that were
    given together, which have their leaf with their batch's."""
    alone = (_made >= spelled_out(since), LedgerEntryRow.batch_id.is_(None))
    return _packed(tx, select(_made).where(*alone).order_by(_made).limit(limit))


def pack_sealed_ids(tx: Connection, first: UUID, last: UUID) -> bytes:
    """As `pack_ids`, those from one to another, both with them, that have a leaf."""
    entry = LedgerLeafRow.entry_id
    within = entry.between(spelled_out(first), spelled_out(last))
    return _packed(tx, select(entry).where(within).order_by(entry))


def _packed(tx: Connection, query: Select[UUID | None]) -> bytes:
    (one,) = query.subquery().c
    if tx.dialect.name == "postgresql":
        nothing: ColumnElement[bytes] = literal_column("''::bytea")
        together = func.string_agg(func.uuid_send(one), nothing, type_=LargeBinary())
        return bytes(tx.scalar(select(together)) or b"")
    hexed = func.group_concat(type_coerce(one, String()), "", type_=String())
    return bytes.fromhex(tx.scalar(select(hexed)) or "")


def list_unsealed(tx: Connection, ids: Sequence[bytes]) -> list[Sayable]:
    """What leaves are to be made of: those of these entries, whose ids are in order, that are there
    and have none, by id. Their range stands beside them for the sake of partitions, and in the
    statement, so that it is planned each time: leaves may have been few the last time. They come in
    no order, for which all of the range might be walked through."""
    if not ids:
        return []
    given = [UUID(bytes=each) for each in ids]
    between = _made.between(spelled_out(given[0]), spelled_out(given[-1]))
    alone = (LedgerEntryRow.batch_id.is_(None), index_of_leaf(_made).is_(None))
    found = tx.execute(select(*SAID).where(between, among(tx, _made, given), *alone)).fetchall()
    return sorted(found, key=lambda row: row.id.int)
