"""SQL of what is looked at to let fields of profiles go."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, select, update

from consent_service.customers.model import Life
from consent_service.customers.tables import CustomerFactsRow, CustomerRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.many import rows_among


def list_after(tx: Connection, after: UUID | None, limit: int) -> list[Life]:
    """Customers in order of id, after one."""
    query = _query().order_by(CustomerRow.customer_id).limit(limit)
    if after is not None:
        query = query.where(CustomerRow.customer_id > after)
    return [_life(row) for row in tx.execute(query)]


def list_of(tx: Connection, customer_ids: Collection[CustomerId]) -> list[Life]:
    """These customers, as far as they are there."""
    return [_life(row) for row in rows_among(tx, _query(), CustomerRow.customer_id, customer_ids)]


def set_trimmed(tx: Connection, marks: Mapping[CustomerId, bytes]) -> None:
    """Notes of customers which fields they are without."""
    if marks:
        tx.execute(
            update(CustomerRow)
            .where(CustomerRow.customer_id == bindparam("customer"))
            .values(trimmed_for=bindparam("mark")),
            [{"customer": customer, "mark": mark} for customer, mark in marks.items()],
        )


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(
            CustomerRow.customer_id,
            func.coalesce(CustomerRow.profile_changed_at, CustomerRow.created_at).label("since"),
            CustomerRow.trimmed_for,
            CustomerFactsRow.jurisdiction,
            CustomerFactsRow.restricted,
        )
        .join(CustomerFactsRow, CustomerFactsRow.customer_id == CustomerRow.customer_id)
        .where(CustomerFactsRow.recorded_to.is_(None))
    )


def _life(row: Any) -> Life:
    mark = None if row.trimmed_for is None else bytes(row.trimmed_for)
    return Life(
        CustomerId(row.customer_id), row.since, mark, row.jurisdiction, restricted=row.restricted
    )
