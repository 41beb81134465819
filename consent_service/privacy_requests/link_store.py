"""SQL of links that confirm requests."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from consent_service.privacy_requests.tables import RequestLinkRow


def add_link(
    tx: Connection, sha256: bytes, customer: UUID, request_id: UUID, expires_at: datetime
) -> None:
    """Adds a link."""
    tx.execute(
        insert(RequestLinkRow).values(
            sha256=sha256, customer_id=customer, request_id=request_id, expires_at=expires_at
        )
    )


def find_link(tx: Connection, sha256: bytes, now: datetime) -> UUID | None:
    """The request that a link which still holds is of."""
    row = RequestLinkRow
    return tx.scalar(select(row.request_id).where(row.sha256 == sha256, row.expires_at > now))


def take_link(tx: Connection, sha256: bytes, now: datetime) -> UUID | None:
    """Uses a link up: of many at once, one gets the request it is of."""
    row = RequestLinkRow
    taken = delete(row).where(row.sha256 == sha256, row.expires_at > now).returning(row.request_id)
    return tx.execute(taken).scalar_one_or_none()


def delete_links(tx: Connection, customers: Sequence[UUID]) -> None:
    """Makes every link of a customer useless."""
    tx.execute(delete(RequestLinkRow).where(RequestLinkRow.customer_id.in_(customers)))


def delete_expired_links(tx: Connection, now: datetime) -> int:
    """Removes links past their time; how many."""
    return tx.execute(delete(RequestLinkRow).where(RequestLinkRow.expires_at <= now)).rowcount
