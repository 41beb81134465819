"""SQL of clients and tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.oauth.model import Caller, Client
from consent_service.oauth.tables import AccessTokenRow, ClientRow, ClientSecretRow

_clients = ClientRow.__table__


def add_client(tx: Connection, client: Client) -> bool:
    """Adds a client. False when its id is taken."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(ClientRow).values(
                    id=client.id,
                    name=client.name,
                    scopes=" ".join(sorted(client.scopes)),
                    recipients=" ".join(client.recipients),
                    created_at=client.created_at,
                )
            )
    except IntegrityError:
        return False
    return True


def find_client(tx: Connection, client_id: str, *, lock: bool = False) -> Client | None:
    """One client, disabled or not; with `lock`, held until the transaction ends."""
    query = select(_clients).where(ClientRow.id == client_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _client(row)


def list_clients(tx: Connection) -> list[Client]:
    """Every client, by id."""
    return [_client(row) for row in tx.execute(select(_clients).order_by(ClientRow.id))]


def set_access(
    tx: Connection, client_id: str, scopes: frozenset[str], recipients: tuple[str, ...]
) -> None:
    """Changes what a client may do."""
    tx.execute(
        update(ClientRow)
        .where(ClientRow.id == client_id)
        .values(scopes=" ".join(sorted(scopes)), recipients=" ".join(recipients))
    )


def disable(tx: Connection, client_id: str, now: datetime) -> None:
    """Marks a client as disabled."""
    tx.execute(
        update(ClientRow)
        .where(ClientRow.id == client_id, ClientRow.disabled_at.is_(None))
        .values(disabled_at=now)
    )


def touch(tx: Connection, client_id: str, now: datetime) -> None:
    """Notes that a client came."""
    tx.execute(update(ClientRow).where(ClientRow.id == client_id).values(last_used_at=now))


def add_secret(tx: Connection, client_id: str, sha256: bytes, now: datetime) -> UUID:
    """Adds a secret without an end; its id."""
    secret_id = new_uuid()
    tx.execute(
        insert(ClientSecretRow).values(
            client_id=client_id, id=secret_id, sha256=sha256, created_at=now
        )
    )
    return secret_id


def end_other_secrets(tx: Connection, client_id: str, but: UUID, at: datetime) -> None:
    """Gives every other secret of a client an end, unless it ends sooner."""
    tx.execute(
        update(ClientSecretRow)
        .where(
            ClientSecretRow.client_id == client_id,
            ClientSecretRow.id != but,
            or_(ClientSecretRow.expires_at.is_(None), ClientSecretRow.expires_at > at),
        )
        .values(expires_at=at)
    )


def list_live_secrets(tx: Connection, client_id: str, now: datetime) -> list[bytes]:
    """The SHA-256 of every live secret of a client."""
    query = select(ClientSecretRow.sha256).where(
        ClientSecretRow.client_id == client_id,
        or_(ClientSecretRow.expires_at.is_(None), ClientSecretRow.expires_at > now),
    )
    return [bytes(sha256) for sha256 in tx.scalars(query)]


def add_token(
    tx: Connection, sha256: bytes, caller: Caller, now: datetime, expires_at: datetime
) -> None:
    """Adds an access token."""
    tx.execute(
        insert(AccessTokenRow).values(
            sha256=sha256,
            client_id=caller.client_id,
            customer_id=caller.customer_id,
            scopes=" ".join(sorted(caller.scopes)),
            recipients=" ".join(caller.recipients),
            issued_at=now,
            expires_at=expires_at,
        )
    )


def find_caller(tx: Connection, sha256: bytes, now: datetime) -> Caller | None:
    """Whom a live token belongs to: one read by primary key."""
    row = tx.execute(
        select(
            AccessTokenRow.client_id,
            AccessTokenRow.customer_id,
            AccessTokenRow.scopes,
            AccessTokenRow.recipients,
        ).where(AccessTokenRow.sha256 == sha256, AccessTokenRow.expires_at > now)
    ).one_or_none()
    if row is None:
        return None
    return Caller(
        row.client_id,
        frozenset(row.scopes.split()),
        tuple(row.recipients.split()),
        None if row.customer_id is None else CustomerId(row.customer_id),
    )


def delete_client_tokens(tx: Connection, client_id: str) -> None:
    """Ends every token of a client."""
    tx.execute(delete(AccessTokenRow).where(AccessTokenRow.client_id == client_id))


def delete_customer_tokens(tx: Connection, customer: UUID) -> None:
    """Ends every token of a customer."""
    tx.execute(delete(AccessTokenRow).where(AccessTokenRow.customer_id == customer))


def delete_expired_tokens(tx: Connection, now: datetime) -> int:
    """Removes dead tokens; how many."""
    return tx.execute(delete(AccessTokenRow).where(AccessTokenRow.expires_at <= now)).rowcount


def _client(row: Row[Any]) -> Client:
    return Client(
        row.id,
        row.name,
        frozenset(row.scopes.split()),
        tuple(row.recipients.split()),
        row.created_at,
        row.disabled_at,
        row.last_used_at,
    )
