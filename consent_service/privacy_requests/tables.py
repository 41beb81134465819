"""Requests, their steps, and links to confirm them. A request about nobody known stands under
its own id."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Index, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class RequestRow(Base):
    """A request. `steps` is raised by every step, under the customer's lock."""

    __tablename__ = "privacy_requests"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    known: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    looked_up: Mapped[bool] = mapped_column(Boolean)
    touchpoint: Mapped[str | None] = mapped_column(String(64))
    identity: Mapped[str | None] = mapped_column(String(16))
    held: Mapped[bool] = mapped_column(Boolean)
    restricts: Mapped[bool] = mapped_column(Boolean)
    found_restricted: Mapped[bool] = mapped_column(Boolean)
    reminded: Mapped[int] = mapped_column(SmallInteger)
    steps: Mapped[int] = mapped_column(Integer)
    note: Mapped[Sealed | None] = mapped_column(SealedBytes("privacy_request.note"))
    lift_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lift_letter: Mapped[UUID | None]
    untold_since: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "id"),
        Index(None, "state", "id"),
        Index(None, "due_at"),
        Index(None, "lift_at"),
        Index(None, "untold_since"),
    )


class StepRow(Base):
    """A step that a request took."""

    __tablename__ = "privacy_request_steps"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    words: Mapped[str | None] = mapped_column(String(2000))
    reason: Mapped[Sealed | None] = mapped_column(SealedBytes("privacy_request_step.reason"))

    __table_args__ = (Index(None, "customer_id", "request_id", "number", unique=True),)


class IntakeRow(Base):
    """Who asked, known or not; gone when the worker has looked."""

    __tablename__ = "privacy_request_intake"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asked: Mapped[Sealed] = mapped_column(SealedBytes("privacy_request.asked"))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "received_at"),)


class RequestLinkRow(Base):
    """A link that was sent, placed by its hash; gone when it was used."""

    __tablename__ = "privacy_request_links"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    customer_id: Mapped[UUID]
    request_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "customer_id"), Index(None, "expires_at"))
