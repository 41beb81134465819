"""Packages, what recipients gave, and the pieces of both."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class PackageRow(Base):
    """The package of a request. Whoever raises `tries` is at it until `leased_until`."""

    __tablename__ = "packages"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    waits_until: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    file: Mapped[UUID | None]
    size: Mapped[int] = mapped_column(BigInteger)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "customer_id", "request_id", unique=True),
        Index(None, "state"),
    )


class PackagePartRow(Base):
    """A file that a recipient gave for a request."""

    __tablename__ = "package_parts"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    recipient: Mapped[str] = mapped_column(String(64))
    name: Mapped[Sealed] = mapped_column(SealedBytes("package_part.name"))
    content_type: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PackagePieceRow(Base):
    """A piece of a package, or of what a recipient gave."""

    __tablename__ = "package_pieces"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    file: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_last: Mapped[bool]
    piece: Mapped[Sealed] = mapped_column(SealedBytes("package.piece"))
