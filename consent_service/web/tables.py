"""Counters of the throttle, and idempotency keys. A claim by client and key is committed first;
the record of the answer is written in the transaction of the change itself. The key stands only
as a keyed digest."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class IdempotencyClaimRow(Base):
    """Somebody is carrying this out, or has. Holds nothing about a customer."""

    __tablename__ = "idempotency_claims"

    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "claimed_at"),)


class IdempotencyRecordRow(Base):
    """The answer that was given, sealed; erased with the customer."""

    __tablename__ = "idempotency_records"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reply: Mapped[Sealed] = mapped_column(SealedBytes("idempotency.reply"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "client_id", "key_digest"), Index(None, "recorded_at"))


class ThrottleCounterRow(Base):
    """How much of a budget somebody has taken in one window. Who it is stands only as a keyed
    digest."""

    __tablename__ = "throttle_counters"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    taken: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "expires_at"),)


class ClientQuotaRow(Base):
    """A budget of one client that differs from everybody's."""

    __tablename__ = "client_quotas"

    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    budget: Mapped[str] = mapped_column(String(16), primary_key=True)
    per_minute: Mapped[int]
