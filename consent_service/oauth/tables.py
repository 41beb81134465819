"""Clients, what customers allowed them, codes and tokens. Secrets, codes and tokens stand only
as SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class ClientRow(Base):
    """A client. What came with a later release may be null, as rows of the one before are: a
    service with a secret. `jwks` holds public keys, as JSON."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[str] = mapped_column(String)
    recipients: Mapped[str] = mapped_column(String, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kind: Mapped[str | None] = mapped_column(String(16))
    redirect_uris: Mapped[str | None] = mapped_column(String)
    jwks: Mapped[str | None] = mapped_column(String)
    auth_method: Mapped[str | None] = mapped_column(String(32))


class ClientSecretRow(Base):
    """A secret of a client; two may be live during a rotation."""

    __tablename__ = "client_secrets"

    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccessTokenRow(Base):
    """An access token, placed by its hash. It carries what its client may do, so that
    checking it is one read; disabling the client deletes it."""

    __tablename__ = "access_tokens"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[UUID | None]
    scopes: Mapped[str] = mapped_column(String)
    recipients: Mapped[str] = mapped_column(String)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    family: Mapped[UUID | None]

    __table_args__ = (
        Index(None, "client_id"),
        Index(None, "customer_id"),
        Index(None, "expires_at"),
        Index(None, "family"),
    )


class CustomerGrantRow(Base):
    """What a customer allowed a client. An ended one stays, for the customer to see."""

    __tablename__ = "customer_grants"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    scopes: Mapped[str] = mapped_column(String)
    allowed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "client_id"), Index(None, "ended_at"))


class AuthorizationCodeRow(Base):
    """A code, placed by its hash. A redeemed one stays a while, so that its reuse is noticed and
    ends the `family` of tokens it made."""

    __tablename__ = "authorization_codes"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    family: Mapped[UUID]
    client_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[UUID]
    redirect_uri: Mapped[str] = mapped_column(String)
    scopes: Mapped[str] = mapped_column(String)
    code_challenge: Mapped[str] = mapped_column(String(43))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "client_id"),
        Index(None, "customer_id"),
        Index(None, "expires_at"),
    )


class RefreshTokenRow(Base):
    """A refresh token, placed by its hash. All of one `family` come from one code and end
    together; `parent` is the one it was given for."""

    __tablename__ = "refresh_tokens"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    family: Mapped[UUID]
    parent: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    client_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[UUID]
    scopes: Mapped[str] = mapped_column(String)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sibling_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "family"),
        Index(None, "client_id"),
        Index(None, "customer_id"),
        Index(None, "expires_at"),
    )


class UsedAssertionRow(Base):
    """The `jti` of an assertion that a client has shown, until it would expire anyway."""

    __tablename__ = "used_assertions"

    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    jti_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "expires_at"),)
