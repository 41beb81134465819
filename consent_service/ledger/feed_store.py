"""SQL of the change feed: leaves of changes, in the order that the sealer gave them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select, true

from consent_service.ledger.tables import LedgerLeafRow


def list_changes(tx: Connection, after: int, limit: int) -> Sequence[tuple[int, UUID | None]]:
    """Index and entry of the leaves of changes from an index on, by index."""
    row = LedgerLeafRow
    query = select(row.leaf_index, row.entry_id).where(
        row.change == true(), row.leaf_index >= after
    )
    found = tx.execute(query.order_by(row.leaf_index).limit(limit))
    return [(each.leaf_index, each.entry_id) for each in found]
