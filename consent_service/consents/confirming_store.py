"""SQL of yeses that are to be confirmed, and of the links that do it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from consent_service.consents.tables import ConfirmationLinkRow, ConfirmationRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.direct import Question

Place = tuple[CustomerId, UUID]


def add_waiting(tx: Connection, places: Iterable[Place], now: datetime) -> None:
    """Adds events whose letters are to be written."""
    rows = [
        {"customer_id": customer, "event_id": event, "asked_at": now} for customer, event in places
    ]
    if rows:
        tx.execute(insert(ConfirmationRow), rows)


is_one_waiting = Question(select(ConfirmationRow.event_id))


def list_waiting(tx: Connection, limit: int) -> list[Place]:
    """Events whose letters are to be written, in order."""
    row = ConfirmationRow
    query = select(row.customer_id, row.event_id).order_by(row.asked_at).limit(limit)
    return [(CustomerId(found.customer_id), found.event_id) for found in tx.execute(query)]


def delete_waiting(tx: Connection, place: Place) -> bool:
    """Takes one. False when another worker has it."""
    row = ConfirmationRow
    gone = delete(row).where(row.customer_id == place[0], row.event_id == place[1])
    return bool(tx.execute(gone).rowcount)


def add_link(tx: Connection, sha256: bytes, place: Place, expires_at: datetime) -> None:
    """Adds a link."""
    tx.execute(
        insert(ConfirmationLinkRow).values(
            sha256=sha256, customer_id=place[0], event_id=place[1], expires_at=expires_at
        )
    )


def find_link(tx: Connection, sha256: bytes, now: datetime) -> Place | None:
    """The event that a link which still holds is of."""
    row = ConfirmationLinkRow
    query = select(row.customer_id, row.event_id).where(row.sha256 == sha256, row.expires_at > now)
    found = tx.execute(query).one_or_none()
    return None if found is None else (CustomerId(found.customer_id), found.event_id)


def delete_link(tx: Connection, sha256: bytes) -> bool:
    """Uses a link up: of many at once, one does."""
    row = ConfirmationLinkRow
    return bool(tx.execute(delete(row).where(row.sha256 == sha256)).rowcount)


def count_links(tx: Connection, customer: CustomerId, alive_after: datetime) -> int:
    """How many links of a customer are good beyond a moment."""
    row = ConfirmationLinkRow
    query = select(func.count()).where(row.customer_id == customer, row.expires_at > alive_after)
    return tx.scalar(query) or 0


def delete_customers(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Makes every link of customers useless, and writes no more."""
    for row in (ConfirmationRow, ConfirmationLinkRow):
        tx.execute(delete(row).where(row.customer_id.in_(customers)))


def delete_expired_links(tx: Connection, now: datetime) -> int:
    """Removes links past their time; how many."""
    row = ConfirmationLinkRow
    return tx.execute(delete(row).where(row.expires_at <= now)).rowcount
