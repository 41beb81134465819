"""Rows of screenings, and of who was in them. Neither names a customer. Of screenings that are
answered later, the files too: they do name people, and are sealed and gone after a day."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


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


class ScreeningJobRow(Base):
    """A screening that is answered later. Who raises `tries` works on it until `leased_until`."""

    __tablename__ = "screening_jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    asked: Mapped[Sealed] = mapped_column(SealedBytes("screening.asked"))
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    rows: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[UUID | None]
    result: Mapped[UUID | None]
    screening_id: Mapped[UUID | None]
    problem: Mapped[str | None] = mapped_column(String)

    __table_args__ = (Index(None, "screening_id"), Index(None, "expires_at"))


class ScreeningFileRow(Base):
    """A piece of an audience, or of those permitted of one."""

    __tablename__ = "screening_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_last: Mapped[bool]
    piece: Mapped[Sealed] = mapped_column(SealedBytes("screening.piece"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "expires_at"),)
