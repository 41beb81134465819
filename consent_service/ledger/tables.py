"""Rows of the log. `ledger_leaves`, which outlive entries, come with the tree."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class LedgerEntryRow(Base):
    """An entry. `customer_id` is the customer's, or the entry's own id when `known` is false."""

    __tablename__ = "ledger_entries"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    known: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(String(16))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    client_id: Mapped[str | None] = mapped_column(String(64))
    purpose: Mapped[str | None] = mapped_column(String(64))
    channel: Mapped[str | None] = mapped_column(String(16))
    data_categories: Mapped[str] = mapped_column(String, default="")
    recipient: Mapped[str | None] = mapped_column(String(64))
    touchpoint: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    catalogue_version: Mapped[int | None] = mapped_column(Integer)
    cites: Mapped[UUID | None]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    token: Mapped[bytes] = mapped_column(LargeBinary(16))
    payload: Mapped[Sealed | None] = mapped_column(SealedBytes("ledger_entry.payload"))

    __table_args__ = (Index(None, "id"),)
