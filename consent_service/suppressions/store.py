"""SQL of suppressions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from consent_service.catalogue.model import Channel
from consent_service.customers.model import IdentifierType
from consent_service.kernel.ids import CustomerId
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import rows_among
from consent_service.suppressions.model import Reason, Suppression
from consent_service.suppressions.tables import CustomerSuppressionRow, SuppressionRow


def add(tx: Connection, marks: Sequence[tuple[bytes, Suppression]]) -> None:
    """Adds marks by blind index."""
    insert_rows(
        tx,
        SuppressionRow,
        [{"digest": digest, "source": m.source, **_values(m)} for digest, m in marks],
    )


def add_projected(tx: Connection, marks: Sequence[tuple[CustomerId, Suppression]]) -> None:
    """Puts marks beside their customers; each has its `identifier_id`. Where a mark stands beside
    a customer already, it is from now on of that identifier."""
    if not marks:
        return
    there = _already_beside(tx, marks)
    insert_rows(
        tx,
        CustomerSuppressionRow,
        [
            {"customer_id": customer, "identifier_id": m.identifier_id, **_values(m)}
            for (customer, _), m in {(c, m.id): m for c, m in marks}.items()
            if (customer, m.id) not in there
        ],
    )
    row = CustomerSuppressionRow
    for customer, mark in marks:
        if (customer, mark.id) in there:
            tx.execute(
                update(row)
                .where(row.customer_id == customer, row.id == mark.id)
                .values(identifier_id=mark.identifier_id)
            )


def _already_beside(
    tx: Connection, marks: Sequence[tuple[CustomerId, Suppression]]
) -> set[tuple[CustomerId, UUID]]:
    row = CustomerSuppressionRow
    query = select(row.customer_id, row.id)
    wanted = {mark.id for _, mark in marks}
    found = rows_among(tx, query, row.customer_id, {customer for customer, _ in marks})
    return {(CustomerId(one.customer_id), one.id) for one in found if one.id in wanted}


def list_by_digest(tx: Connection, digests: Collection[bytes]) -> dict[bytes, list[Suppression]]:
    """Every mark, open or closed, of blind indexes."""
    found: dict[bytes, list[Suppression]] = {}
    query = select(SuppressionRow.__table__)
    for row in rows_among(tx, query, SuppressionRow.digest, digests):
        found.setdefault(bytes(row.digest), []).append(mark_of(row))
    return found


def list_of_customer(tx: Connection, customer_id: CustomerId) -> list[Suppression]:
    """Every mark beside a customer, open or closed."""
    query = select(CustomerSuppressionRow.__table__).where(
        CustomerSuppressionRow.customer_id == customer_id
    )
    return [mark_of(row) for row in tx.execute(query)]


def list_customers_with(tx: Connection, mark_id: UUID) -> list[CustomerId]:
    """The customers beside whom a mark stands."""
    row = CustomerSuppressionRow
    query = select(row.customer_id).where(row.id == mark_id).order_by(row.customer_id)
    return [CustomerId(found) for found in tx.scalars(query)]


def find(tx: Connection, mark_id: UUID) -> Suppression | None:
    """One mark by its id."""
    query = select(SuppressionRow.__table__).where(SuppressionRow.id == mark_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else mark_of(row)


def list_marks(
    tx: Connection, reason: Reason | None, open_only: bool, after: UUID | None, limit: int
) -> list[Suppression]:
    """Marks in order of id."""
    query = select(SuppressionRow.__table__).order_by(SuppressionRow.id).limit(limit)
    if reason is not None:
        query = query.where(SuppressionRow.reason == reason.value)
    if open_only:
        query = query.where(SuppressionRow.closed_at.is_(None))
    if after is not None:
        query = query.where(SuppressionRow.id > after)
    return [mark_of(row) for row in tx.execute(query)]


def list_placed(tx: Connection, after: UUID, limit: int) -> list[tuple[bytes, Suppression]]:
    """Marks with an id after one, each with its blind index, in order of id."""
    row = SuppressionRow
    query = select(row.__table__).where(row.id > after).order_by(row.id).limit(limit)
    return [(bytes(found.digest), mark_of(found)) for found in tx.execute(query)]


def close(tx: Connection, mark_ids: Sequence[UUID], now: datetime) -> None:
    """Closes marks and their projections."""
    for table in (SuppressionRow, CustomerSuppressionRow):
        tx.execute(
            update(table)
            .where(table.id.in_(mark_ids), table.closed_at.is_(None))
            .values(closed_at=now)
        )


def delete_projected(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes the projections of a customer; the marks stay."""
    tx.execute(
        delete(CustomerSuppressionRow).where(CustomerSuppressionRow.customer_id.in_(customers))
    )


def mark_of(row: Any) -> Suppression:
    """The mark in a row of either table. Beside a customer it has no source, and by blind index
    no identifier's id."""
    return Suppression(
        row.id,
        Reason(row.reason),
        None if row.channel is None else Channel(row.channel),
        IdentifierType(row.identifier_type),
        row.happened_at,
        row.recorded_from,
        row.closed_at,
        getattr(row, "source", None),
        getattr(row, "identifier_id", None),
    )


def _values(mark: Suppression) -> dict[str, object]:
    return {
        "id": mark.id,
        "identifier_type": mark.identifier_type.value,
        "reason": mark.reason.value,
        "channel": None if mark.channel is None else mark.channel.value,
        "happened_at": mark.happened_at,
        "recorded_from": mark.recorded_from,
        "closed_at": mark.closed_at,
    }
