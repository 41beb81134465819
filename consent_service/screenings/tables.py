"""Rows of screenings, and of who was in them. Neither names a customer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class ScreeningRow(Base):
    """A screening: its entry in the log has the same id."""

    __tablename__ = "screenings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str | None] = mapped_column(String(64))
    evaluated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    shard_bits: Mapped[str] = mapped_column(String)


class ScreeningShardRow(Base):
    """Some of a screening's members, as `members.py` packs them."""

    __tablename__ = "screening_shards"

    screening_id: Mapped[UUID] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    shard: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    members: Mapped[bytes] = mapped_column(LargeBinary)
