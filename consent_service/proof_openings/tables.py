"""Openings of kept proofs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class ProofOpeningRow(Base):
    """An opening that was asked for. `place` is that of the proofs, and names nobody."""

    __tablename__ = "proof_openings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[UUID]
    request_id: Mapped[UUID | None]
    basis: Mapped[str] = mapped_column(String(32))
    reason: Mapped[Sealed] = mapped_column(SealedBytes("proof_opening.reason"))
    state: Mapped[str] = mapped_column(String(16))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "expires_at"),)
