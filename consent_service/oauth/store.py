"""SQL of clients and tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.oauth.grant_model import TokenFacts
from consent_service.oauth.model import AuthMethod, Caller, Client, ClientKind
from consent_service.oauth.tables import AccessTokenRow, ClientRow, ClientSecretRow
from consent_service.storage.direct import Door
from consent_service.storage.prepared import Along, Prepared

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
                    kind=client.kind.value,
                    redirect_uris=" ".join(client.redirect_uris),
                    jwks=client.jwks,
                    auth_method=client.auth_method.value,
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


def change_client(tx: Connection, client: Client) -> None:
    """Keeps a client as it is now."""
    tx.execute(
        update(ClientRow)
        .where(ClientRow.id == client.id)
        .values(
            name=client.name,
            scopes=" ".join(sorted(client.scopes)),
            recipients=" ".join(client.recipients),
            redirect_uris=" ".join(client.redirect_uris),
            jwks=client.jwks,
            disabled_at=client.disabled_at,
        )
    )


def delete_client(tx: Connection, client_id: str) -> None:
    """Removes a client and its secrets."""
    tx.execute(delete(ClientSecretRow).where(ClientSecretRow.client_id == client_id))
    tx.execute(delete(ClientRow).where(ClientRow.id == client_id))


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
    tx: Connection,
    sha256: bytes,
    caller: Caller,
    now: datetime,
    expires_at: datetime,
    family: UUID | None = None,
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
            family=family,
        )
    )


def find_token(tx: Connection, sha256: bytes, now: datetime) -> TokenFacts | None:
    """What is known of a live access token."""
    query = select(AccessTokenRow.__table__).where(
        AccessTokenRow.sha256 == sha256, AccessTokenRow.expires_at > now
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return TokenFacts(
        row.client_id,
        None if row.customer_id is None else CustomerId(row.customer_id),
        frozenset(row.scopes.split()),
        row.issued_at,
        row.expires_at,
        row.family,
        is_refresh=False,
    )


def delete_token(tx: Connection, sha256: bytes, client_id: str) -> None:
    """Ends one access token of a client."""
    tx.execute(
        delete(AccessTokenRow).where(
            AccessTokenRow.sha256 == sha256, AccessTokenRow.client_id == client_id
        )
    )


CALLER = (
    AccessTokenRow.client_id,
    AccessTokenRow.customer_id,
    AccessTokenRow.scopes,
    AccessTokenRow.recipients,
)
IS_LIVE = (AccessTokenRow.sha256 == bindparam("token")) & (
    AccessTokenRow.expires_at > bindparam("now")
)
_CALLER = Prepared(select(*CALLER).where(IS_LIVE), Along.READING)


def find_caller(door: Door, sha256: bytes, now: datetime) -> Caller | None:
    """Whom a live token belongs to: one read by primary key."""
    for row in door.rows(_CALLER, token=sha256, now=now):
        return caller_of(*row)
    return None


def caller_of(client_id: str, customer_id: UUID | None, scopes: str, recipients: str) -> Caller:
    """The caller in a row of `CALLER`."""
    return Caller(
        client_id,
        frozenset(scopes.split()),
        tuple(recipients.split()),
        None if customer_id is None else CustomerId(customer_id),
    )


def delete_client_tokens(tx: Connection, client_id: str) -> None:
    """Ends every access token of a client."""
    tx.execute(delete(AccessTokenRow).where(AccessTokenRow.client_id == client_id))


def _client(row: Row[Any]) -> Client:
    return Client(
        row.id,
        row.name,
        frozenset(row.scopes.split()),
        tuple(row.recipients.split()),
        row.created_at,
        row.disabled_at,
        row.last_used_at,
        ClientKind(row.kind or ClientKind.SERVICE),
        tuple((row.redirect_uris or "").split()),
        row.jwks,
        AuthMethod(row.auth_method or AuthMethod.SECRET),
    )
