"""Webhooks, what is to be sent to them, and how far the log was walked through for it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime

_WAITING = text("state = 'waiting'")


class WebhookRow(Base):
    """A webhook. Whoever sets `leased_until` sends what is due; who waits longest comes first."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    url: Mapped[Sealed] = mapped_column(SealedBytes("webhook.url"))
    event_types: Mapped[str] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_leaf: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int]
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    served_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookSecretRow(Base):
    """A signing secret; two may be live during a rotation."""

    __tablename__ = "webhook_secrets"

    webhook_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret: Mapped[Sealed] = mapped_column(SealedBytes("webhook.secret"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeliveryRow(Base):
    """One event for one webhook. What is about no customer stands under an id of its own."""

    __tablename__ = "webhook_deliveries"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(Integer)
    about: Mapped[UUID | None]
    told: Mapped[Sealed | None] = mapped_column(SealedBytes("webhook.told"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None] = mapped_column(String(64))
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "webhook_id", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "webhook_id",
            "due_at",
            "position",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index(
            "ix_webhook_deliveries_order",
            "webhook_id",
            "customer_id",
            "position",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index(None, "finished_at"),
        Index(None, "about"),
    )


class WebhookHeadRow(Base):
    """The one row that says from which leaf on changes are still to be sent out."""

    __tablename__ = "webhook_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    leaf_index: Mapped[int] = mapped_column(BigInteger)


class ErasedRow(Base):
    """Whom an erasure was of, beside its entry, for as long as others are still to be told."""

    __tablename__ = "webhook_erased"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer: Mapped[Sealed] = mapped_column(SealedBytes("webhook.erased"))
