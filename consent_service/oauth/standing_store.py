"""SQL of what is written down of clients outside the database, and held against it again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, or_, select, update

from consent_service.kernel.ids import CustomerId
from consent_service.oauth.tables import ClientRow, ClientSecretRow, CustomerGrantRow


def list_secrets(tx: Connection) -> list[tuple[str, UUID, datetime | None]]:
    """Every secret: client, id, its end."""
    row = ClientSecretRow
    query = select(row.client_id, row.id, row.expires_at).order_by(row.client_id, row.id)
    return [(found.client_id, found.id, found.expires_at) for found in tx.execute(query)]


def end_secret(tx: Connection, client_id: str, secret_id: UUID, at: datetime) -> bool:
    """Gives a secret an end, unless it ends sooner; whether that is new."""
    row = ClientSecretRow
    later = or_(row.expires_at.is_(None), row.expires_at > at)
    which = (row.client_id == client_id) & (row.id == secret_id)
    return bool(tx.execute(update(row).where(which, later).values(expires_at=at)).rowcount)


def list_ended(tx: Connection, since: datetime) -> list[tuple[CustomerId, str, datetime]]:
    """What customers allowed clients that are still here, and was ended from an instant on:
    customer, client, when."""
    row = CustomerGrantRow
    query = select(row.customer_id, row.client_id, row.ended_at).where(
        row.ended_at >= since, row.client_id.in_(select(ClientRow.id))
    )
    return [
        (CustomerId(found.customer_id), found.client_id, found.ended_at)
        for found in tx.execute(query.order_by(row.ended_at))
    ]
