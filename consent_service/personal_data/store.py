"""SQL over every table that has rows of customers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select

from consent_service.storage.db import Base
from consent_service.storage.many import among


def list_left(tx: Connection, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Those of whom any table still has a row."""
    found: set[UUID] = set()
    for table in Base.metadata.tables.values():
        if "customer_id" in table.columns:
            column = table.columns["customer_id"]
            found |= set(
                tx.scalars(select(column).distinct().where(among(tx, column, customer_ids)))
            )
    return found
