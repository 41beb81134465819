"""Rows of the log, and of the tree over it. Leaves outlive entries, and name no customer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
)
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
    commitment: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    token: Mapped[bytes] = mapped_column(LargeBinary(16))
    payload: Mapped[Sealed | None] = mapped_column(SealedBytes("ledger_entry.payload"))

    __table_args__ = (Index(None, "id"),)


class LedgerLeafRow(Base):
    """A leaf of the tree, and the entry that it stands for; None once that was erased."""

    __tablename__ = "ledger_leaves"

    leaf_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID | None]
    leaf: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index(None, "entry_id", unique=True),)


class LedgerTileRow(Base):
    """Up to 256 hashes of the tree, one after another."""

    __tablename__ = "ledger_tiles"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerCheckpointRow(Base):
    """A tree that was signed."""

    __tablename__ = "ledger_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerCosignatureRow(Base):
    """What a witness confirmed: its line under the checkpoint of a size, and the key it is of."""

    __tablename__ = "ledger_cosignatures"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(String(64), primary_key=True)
    verifier: Mapped[str] = mapped_column(Text)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    line: Mapped[str] = mapped_column(Text)
    cosigned_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerHeadRow(Base):
    """The one row that a sealer moves on."""

    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(300))
    size: Mapped[int] = mapped_column(BigInteger)
    sealed_until: Mapped[datetime] = mapped_column(UtcDateTime)
