"""The outbox. Recipient, subject and text are sealed together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class OutboxRow(Base):
    """A letter that is to be sent, gone when it was."""

    __tablename__ = "mail_outbox"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    letter: Mapped[Sealed] = mapped_column(SealedBytes("mail.letter"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failed_tries: Mapped[int]

    __table_args__ = (Index(None, "due_at"), Index(None, "expires_at"))
