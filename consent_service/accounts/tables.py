"""Sessions, links, staff. Cookies and links stand only as SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class SessionRow(Base):
    """A sign-in, placed by the hash of its cookie. `effort`: whether it was asked how easy it was,
    and has answered; never what."""

    __tablename__ = "sessions"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    customer_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    browser: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fresh_until: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    effort: Mapped[str | None] = mapped_column(String(8))

    __table_args__ = (
        Index(None, "customer_id"),
        Index(None, "staff_id"),
        Index(None, "expires_at"),
    )


class LinkRequestRow(Base):
    """Somebody asked for a link, known or not; gone when the worker has looked."""

    __tablename__ = "sign_in_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    binding: Mapped[bytes] = mapped_column(LargeBinary(32))
    asked: Mapped[Sealed] = mapped_column(SealedBytes("sign_in_request.asked"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "requested_at"),)


class LinkRow(Base):
    """A link that was sent, placed by its hash; gone when it was used."""

    __tablename__ = "sign_in_links"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    customer_id: Mapped[UUID]
    binding: Mapped[bytes] = mapped_column(LargeBinary(32))
    return_path: Mapped[Sealed] = mapped_column(SealedBytes("sign_in_link.return_path"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "customer_id"), Index(None, "expires_at"))


class StaffRow(Base):
    """A member of staff, by a name the company gave. `totp_step` is of the last code used;
    `email` is where letters to them go, `reminded_at` when they last got one about requests."""

    __tablename__ = "staff"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    roles: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[Sealed | None] = mapped_column(SealedBytes("staff.totp_secret"))
    totp_step: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[Sealed | None] = mapped_column(SealedBytes("staff.email"))
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("name"),)


class EnrolmentRow(Base):
    """A one-time link for a member of staff, with the secret its page shows."""

    __tablename__ = "staff_enrolments"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    staff_id: Mapped[UUID]
    totp_secret: Mapped[Sealed] = mapped_column(SealedBytes("staff_enrolment.totp_secret"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "staff_id"),)
