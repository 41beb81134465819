"""What recipients were told of requests, and what they answered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class RecipientTaskRow(Base):
    """A request as one recipient is told of it. Of an erasure it outlives the person: `about` is
    sealed under a master key, and gone when the recipient has answered."""

    __tablename__ = "recipient_tasks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    recipient: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reached_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    words: Mapped[str | None] = mapped_column(String(32))
    about: Mapped[Sealed | None] = mapped_column(SealedBytes("recipient_task.about"))

    __table_args__ = (
        Index(None, "request_id", "recipient", "kind", unique=True),
        Index(None, "recipient", "id"),
        Index(None, "next_at"),
    )
