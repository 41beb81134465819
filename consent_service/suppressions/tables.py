"""Suppressions by blind index, and their projection beside the customers they hit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class SuppressionRow(Base):
    """A mark, placed by the blind index of the identifier. Never deleted, only closed."""

    __tablename__ = "suppressions"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    identifier_type: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str | None] = mapped_column(String(16))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_from: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index(None, "id"),)


class CustomerSuppressionRow(Base):
    """The same mark beside a customer who has the identifier, for one read by customer."""

    __tablename__ = "customer_suppressions"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    identifier_id: Mapped[UUID]
    identifier_type: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str | None] = mapped_column(String(16))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_from: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "id"),)
