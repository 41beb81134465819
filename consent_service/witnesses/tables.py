"""Witnesses. The target is sealed: it may be a person's address, or hold a secret."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class WitnessRow(Base):
    """A witness. Whoever moves `due_at` on sends the next checkpoint."""

    __tablename__ = "witnesses"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    target: Mapped[Sealed] = mapped_column(SealedBytes("witness.target"))
    verifier: Mapped[str | None] = mapped_column(Text)
    private: Mapped[bool]
    every_s: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_size: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_tries: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (Index(None, "name", unique=True),)
