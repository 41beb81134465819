"""SQL of what customers allowed, of codes, refresh tokens and used assertions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.kernel.ids import CustomerId
from consent_service.oauth.grant_model import (
    CODE_KEPT,
    SIBLING_WITHIN,
    AuthorizationCode,
    CustomerGrant,
    RefreshToken,
)
from consent_service.oauth.tables import (
    AccessTokenRow,
    AuthorizationCodeRow,
    CustomerGrantRow,
    RefreshTokenRow,
    UsedAssertionRow,
)

_grants = CustomerGrantRow.__table__
_codes = AuthorizationCodeRow.__table__
_refresh = RefreshTokenRow.__table__


def put_grant(tx: Connection, grant: CustomerGrant) -> None:
    """Keeps a grant in the place of what the customer allowed the client before."""
    tx.execute(delete(CustomerGrantRow).where(*_of(grant.customer_id, grant.client_id)))
    tx.execute(
        insert(CustomerGrantRow).values(
            customer_id=grant.customer_id,
            client_id=grant.client_id,
            scopes=_text(grant.scopes),
            allowed_at=grant.allowed_at,
            expires_at=grant.expires_at,
            last_used_at=grant.last_used_at,
            ended_at=grant.ended_at,
        )
    )


def find_grant(tx: Connection, customer: UUID, client_id: str) -> CustomerGrant | None:
    """What a customer allowed a client, ended or not."""
    row = tx.execute(select(_grants).where(*_of(customer, client_id))).one_or_none()
    return None if row is None else _grant(row)


def use_grant(
    tx: Connection, customer: UUID, client_id: str, now: datetime
) -> CustomerGrant | None:
    """The live grant, noted as used and held until the transaction ends: whoever ends it waits,
    and then finds the tokens made meanwhile."""
    row = tx.execute(
        update(CustomerGrantRow)
        .where(
            *_of(customer, client_id),
            CustomerGrantRow.ended_at.is_(None),
            CustomerGrantRow.expires_at > now,
        )
        .values(last_used_at=now)
        .returning(_grants)
    ).one_or_none()
    return None if row is None else _grant(row)


def list_grants(tx: Connection, customer: UUID) -> list[CustomerGrant]:
    """All that a customer allowed, by client."""
    query = select(_grants).where(CustomerGrantRow.customer_id == customer)
    return [_grant(row) for row in tx.execute(query.order_by(CustomerGrantRow.client_id))]


def end_grants(
    tx: Connection, now: datetime, *, customer: UUID | None = None, client_id: str | None = None
) -> int:
    """Ends the live grants of a customer, of a client, or of one with the other; how many."""
    assert customer is not None or client_id is not None
    where = [CustomerGrantRow.ended_at.is_(None), *_of(customer, client_id)]
    return tx.execute(update(CustomerGrantRow).where(*where).values(ended_at=now)).rowcount


def delete_grants(tx: Connection, customers: Sequence[UUID]) -> None:
    """Forgets what a customer allowed."""
    tx.execute(delete(CustomerGrantRow).where(CustomerGrantRow.customer_id.in_(customers)))


def add_code(tx: Connection, sha256: bytes, code: AuthorizationCode) -> None:
    """Adds a code."""
    tx.execute(
        insert(AuthorizationCodeRow).values(
            sha256=sha256,
            family=code.family,
            client_id=code.client_id,
            customer_id=code.customer_id,
            redirect_uri=code.redirect_uri,
            scopes=_text(code.scopes),
            code_challenge=code.code_challenge,
            issued_at=code.issued_at,
            expires_at=code.expires_at,
        )
    )


def find_code(tx: Connection, sha256: bytes) -> AuthorizationCode | None:
    """A code, redeemed or not."""
    row = tx.execute(select(_codes).where(AuthorizationCodeRow.sha256 == sha256)).one_or_none()
    return None if row is None else _code(row)


def redeem_code(
    tx: Connection, sha256: bytes, client_id: str, now: datetime
) -> AuthorizationCode | None:
    """Redeems a live code of that client. None when somebody has, or it is past its time."""
    row = tx.execute(
        update(AuthorizationCodeRow)
        .where(
            AuthorizationCodeRow.sha256 == sha256,
            AuthorizationCodeRow.client_id == client_id,
            AuthorizationCodeRow.redeemed_at.is_(None),
            AuthorizationCodeRow.expires_at > now,
        )
        .values(redeemed_at=now)
        .returning(_codes)
    ).one_or_none()
    return None if row is None else _code(row)


def add_refresh_token(tx: Connection, token: RefreshToken) -> None:
    """Adds a refresh token."""
    tx.execute(
        insert(RefreshTokenRow).values(
            sha256=token.sha256,
            family=token.family,
            parent=token.parent,
            client_id=token.client_id,
            customer_id=token.customer_id,
            scopes=_text(token.scopes),
            issued_at=token.issued_at,
            expires_at=token.expires_at,
        )
    )


def find_refresh_token(tx: Connection, sha256: bytes) -> RefreshToken | None:
    """A refresh token, replaced or not."""
    row = tx.execute(select(_refresh).where(RefreshTokenRow.sha256 == sha256)).one_or_none()
    return None if row is None else _refresh_token(row)


def replace_refresh_token(
    tx: Connection, sha256: bytes, client_id: str, now: datetime
) -> RefreshToken | None:
    """Replaces a live refresh token of that client. None when somebody has."""
    return _mark(
        tx,
        RefreshTokenRow.replaced_at.is_(None),
        RefreshTokenRow.sha256 == sha256,
        RefreshTokenRow.client_id == client_id,
        RefreshTokenRow.expires_at > now,
        replaced_at=now,
    )


def take_sibling(
    tx: Connection, sha256: bytes, client_id: str, now: datetime
) -> RefreshToken | None:
    """Lets a token that was just replaced be used once more. None when it was, or is too late."""
    return _mark(
        tx,
        RefreshTokenRow.replaced_at > now - SIBLING_WITHIN,
        RefreshTokenRow.sibling_at.is_(None),
        RefreshTokenRow.sha256 == sha256,
        RefreshTokenRow.client_id == client_id,
        RefreshTokenRow.expires_at > now,
        sibling_at=now,
    )


def supersede_child(tx: Connection, parent: bytes, now: datetime) -> bool:
    """Takes back what was given for a token, as nobody has used it. False when somebody has."""
    marked = _mark(
        tx,
        RefreshTokenRow.parent == parent,
        RefreshTokenRow.replaced_at.is_(None),
        replaced_at=now,
        sibling_at=now,
    )
    return marked is not None


def delete_family(tx: Connection, family: UUID, *, but_refresh: bool = False) -> None:
    """Ends every token of a family; with `but_refresh`, its access tokens alone."""
    if not but_refresh:
        tx.execute(delete(RefreshTokenRow).where(RefreshTokenRow.family == family))
    tx.execute(delete(AccessTokenRow).where(AccessTokenRow.family == family))


def delete_all(
    tx: Connection, *, customers: Sequence[UUID] | None = None, client_id: str | None = None
) -> None:
    """Ends every code and token of a customer, of a client, or of one for the other."""
    assert customers is not None or client_id is not None
    for table in (AuthorizationCodeRow, RefreshTokenRow, AccessTokenRow):
        wanted: list[ColumnElement[bool]] = []
        if customers is not None:
            wanted.append(table.customer_id.in_(customers))
        if client_id is not None:
            wanted.append(table.client_id == client_id)
        tx.execute(delete(table).where(*wanted))


def add_used_assertion(tx: Connection, client_id: str, jti: bytes, expires_at: datetime) -> bool:
    """Notes an assertion as used. False when it was already."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(UsedAssertionRow).values(
                    client_id=client_id, jti_sha256=jti, expires_at=expires_at
                )
            )
    except IntegrityError:
        return False
    return True


def delete_expired(tx: Connection, now: datetime) -> int:
    """Removes what can no longer be used nor tell of misuse; how many rows."""
    gone = (
        delete(AccessTokenRow).where(AccessTokenRow.expires_at <= now),
        delete(RefreshTokenRow).where(RefreshTokenRow.expires_at <= now),
        delete(AuthorizationCodeRow).where(AuthorizationCodeRow.expires_at <= now - CODE_KEPT),
        delete(UsedAssertionRow).where(UsedAssertionRow.expires_at <= now),
    )
    return sum(tx.execute(statement).rowcount for statement in gone)


def _mark(tx: Connection, *where: Any, **values: datetime) -> RefreshToken | None:
    row = tx.execute(
        update(RefreshTokenRow).where(*where).values(**values).returning(_refresh)
    ).one_or_none()
    return None if row is None else _refresh_token(row)


def _of(customer: UUID | None, client_id: str | None) -> list[Any]:
    where = []
    if customer is not None:
        where.append(CustomerGrantRow.customer_id == customer)
    if client_id is not None:
        where.append(CustomerGrantRow.client_id == client_id)
    return where


def _text(words: Iterable[str]) -> str:
    return " ".join(sorted(words))


def _grant(row: Row[Any]) -> CustomerGrant:
    return CustomerGrant(
        CustomerId(row.customer_id),
        row.client_id,
        frozenset(row.scopes.split()),
        row.allowed_at,
        row.expires_at,
        row.last_used_at,
        row.ended_at,
    )


def _code(row: Row[Any]) -> AuthorizationCode:
    return AuthorizationCode(
        row.family,
        row.client_id,
        CustomerId(row.customer_id),
        row.redirect_uri,
        frozenset(row.scopes.split()),
        row.code_challenge,
        row.issued_at,
        row.expires_at,
        row.redeemed_at,
    )


def _refresh_token(row: Row[Any]) -> RefreshToken:
    return RefreshToken(
        bytes(row.sha256),
        row.family,
        None if row.parent is None else bytes(row.parent),
        row.client_id,
        CustomerId(row.customer_id),
        frozenset(row.scopes.split()),
        row.issued_at,
        row.expires_at,
        row.replaced_at,
        row.sibling_at,
    )
