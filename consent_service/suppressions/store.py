"""SQL of suppressions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, select, update

from consent_service.catalogue.model import Channel
from consent_service.customers.model import IdentifierType
from consent_service.kernel.ids import CustomerId
from consent_service.storage.bulk import insert_rows
from consent_service.suppressions.model import Reason, Suppression
from consent_service.suppressions.tables import CustomerSuppressionRow, SuppressionRow

_CHUNK = 500


def add(tx: Connection, marks: Sequence[tuple[bytes, Suppression]]) -> None:
    """Adds marks by blind index."""
    insert_rows(
        tx,
        SuppressionRow,
        [{"digest": digest, "source": m.source, **_values(m)} for digest, m in marks],
    )


def add_projected(tx: Connection, marks: Sequence[tuple[CustomerId, Suppression]]) -> None:
    """Adds marks beside their customers; each has its `identifier_id`."""
    insert_rows(
        tx,
        CustomerSuppressionRow,
        [
            {"customer_id": customer, "identifier_id": m.identifier_id, **_values(m)}
            for customer, m in marks
        ],
    )


def list_by_digest(tx: Connection, digests: Iterable[bytes]) -> dict[bytes, list[Suppression]]:
    """Every mark, open or closed, of blind indexes."""
    wanted = list(digests)
    found: dict[bytes, list[Suppression]] = {}
    for at in range(0, len(wanted), _CHUNK):
        query = select(SuppressionRow.__table__).where(
            SuppressionRow.digest.in_(wanted[at : at + _CHUNK])
        )
        for row in tx.execute(query):
            found.setdefault(bytes(row.digest), []).append(_mark(row, row.source, None))
    return found


def list_of_customer(tx: Connection, customer_id: CustomerId) -> list[Suppression]:
    """Every mark beside a customer, open or closed."""
    query = select(CustomerSuppressionRow.__table__).where(
        CustomerSuppressionRow.customer_id == customer_id
    )
    return [_mark(row, None, row.identifier_id) for row in tx.execute(query)]


def list_open_of_customers(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, list[Suppression]]:
    """The open marks beside customers, at most a chunk of them."""
    query = select(CustomerSuppressionRow.__table__).where(
        CustomerSuppressionRow.customer_id.in_(customer_ids),
        CustomerSuppressionRow.closed_at.is_(None),
    )
    found: dict[CustomerId, list[Suppression]] = {}
    for row in tx.execute(query):
        found.setdefault(CustomerId(row.customer_id), []).append(
            _mark(row, None, row.identifier_id)
        )
    return found


def find(tx: Connection, mark_id: UUID) -> Suppression | None:
    """One mark by its id."""
    query = select(SuppressionRow.__table__).where(SuppressionRow.id == mark_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else _mark(row, row.source, None)


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
    return [_mark(row, row.source, None) for row in tx.execute(query)]


def close(tx: Connection, mark_ids: Sequence[UUID], now: datetime) -> None:
    """Closes marks and their projections."""
    for table in (SuppressionRow, CustomerSuppressionRow):
        tx.execute(
            update(table)
            .where(table.id.in_(mark_ids), table.closed_at.is_(None))
            .values(closed_at=now)
        )


def delete_projected(tx: Connection, customer_id: CustomerId) -> None:
    """Removes the projections of a customer; the marks stay."""
    tx.execute(
        delete(CustomerSuppressionRow).where(CustomerSuppressionRow.customer_id == customer_id)
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


def _mark(row: Row[Any], source: str | None, identifier_id: UUID | None) -> Suppression:
    return Suppression(
        row.id,
        Reason(row.reason),
        None if row.channel is None else Channel(row.channel),
        IdentifierType(row.identifier_type),
        row.happened_at,
        row.recorded_from,
        row.closed_at,
        source,
        identifier_id,
    )
