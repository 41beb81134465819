"""SQL of the change feed: leaves of changes, in the order that the sealer gave them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, true

from consent_service.ledger import tree_store
from consent_service.ledger.tables import LedgerLeafRow
from consent_service.storage.direct import Door
from consent_service.storage.prepared import Prepared

_row = LedgerLeafRow
_CHANGES = [_row.change == true(), _row.entry_id.is_not(None)]
_from = select(_row.leaf_index).where(*_CHANGES, _row.leaf_index >= bindparam("start"))
_FROM = Prepared(_from.order_by(_row.leaf_index).limit(1))  # in order: else the table is read


class Leaves(Struct, frozen=True):
    """Indexes and entries of some changes; up to where there is no other; whether there are more
    after that."""

    found: list[tuple[int, UUID]]
    until: int
    more: bool


def is_one_from(door: Door, start: int) -> bool:
    """Whether `list_leaves` would find one."""
    return bool(door.rows(_FROM, start=start))


def list_leaves(tx: Connection, start: int, limit: int) -> Leaves:
    """The leaves of changes from an index on, at most so many, by index, less those that lead to no
    entry any more."""
    head = tree_store.find_head(tx)  # first: what is sealed meanwhile is for the next look
    size = max(start, 0 if head is None else head.size)
    row = LedgerLeafRow
    query = select(row.leaf_index, row.entry_id).where(
        *_CHANGES,
        row.leaf_index >= start,
        row.leaf_index < size,
    )
    rows = tx.execute(query.order_by(row.leaf_index).limit(limit + 1)).all()
    found = [(each.leaf_index, each.entry_id) for each in rows[:limit]]
    more = len(rows) > limit
    return Leaves(found, found[-1][0] + 1 if more else size, more)
