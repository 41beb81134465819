"""Events and records."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class ConsentEventRow(Base):
    """An immutable event. `channel` is empty for all channels."""

    __tablename__ = "consent_events"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    captured_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    notice_version: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(35))
    touchpoint: Mapped[str] = mapped_column(String(64))
    lifecycle_stage: Mapped[str | None] = mapped_column(String(64))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    by_guardian: Mapped[bool] = mapped_column(Boolean)
    imported: Mapped[bool] = mapped_column(Boolean)
    proof: Mapped[Sealed | None] = mapped_column(SealedBytes("consent_event.proof"))


class KeptProofRow(Base):
    """What proves the consents of somebody who was erased, until `until`. `place` is made of
    their id by a keyed digest, and is where their proof key is kept too. `request_id` is the
    erasure's, which its certificate names."""

    __tablename__ = "kept_proofs"

    place: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    proof: Mapped[Sealed] = mapped_column(SealedBytes("kept_proof"))
    request_id: Mapped[UUID | None]

    __table_args__ = (Index(None, "until"), Index(None, "request_id"))


class ConsentRecordRow(Base):
    """What counted from `recorded_from` until `recorded_to`; in force while that is empty. A
    `channel` is empty for a no to all channels, and where the purpose has none."""

    __tablename__ = "consent_records"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    recorded_from: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_id: Mapped[UUID]
    notice_version: Mapped[str | None] = mapped_column(String(64))
    by_guardian: Mapped[bool] = mapped_column(Boolean)
    direct: Mapped[bool] = mapped_column(Boolean)
    standing_no: Mapped[str | None] = mapped_column(String(16))

    # Of a purpose with channels few have a record of none: an audience is not to read all for them.
    __table_args__ = (
        Index(None, "purpose", "notice_version"),
        Index(
            "ix_consent_records_of_no_channel",
            "purpose",
            "customer_id",
            postgresql_where=text("channel = ''"),
            sqlite_where=text("channel = ''"),
        ),
    )


class ConfirmationRow(Base):
    """A yes that is to be confirmed, whose letter is not written yet; gone when it is."""

    __tablename__ = "consent_confirmations"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "asked_at"),)


class ConfirmationLinkRow(Base):
    """A link that was sent, placed by its hash; gone when it was used."""

    __tablename__ = "consent_confirmation_links"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    customer_id: Mapped[UUID]
    event_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "customer_id"), Index(None, "expires_at"))
