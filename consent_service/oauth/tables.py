"""Clients, secrets, access tokens. Secrets and tokens stand only as SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class ClientRow(Base):
    """A client."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[str] = mapped_column(String)
    recipients: Mapped[str] = mapped_column(String, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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

    __table_args__ = (
        Index(None, "client_id"),
        Index(None, "customer_id"),
        Index(None, "expires_at"),
    )
