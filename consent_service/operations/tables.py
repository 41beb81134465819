"""That the store was put back, and whether what happened since was replayed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class RestoreRow(Base):
    """The store was put back as it was at `made_at`, with so many leaves in its log. While one of
    these has no `finished_at` nothing is answered."""

    __tablename__ = "restores"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    restored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    log_size: Mapped[int] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(32))
