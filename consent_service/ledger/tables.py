"""Rows of the log, and of the tree over it. Leaves outlive entries, and name no customer."""

from datetime import datetime
from typing import Any
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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime

_USE = "kind = 'disclosure'"
_BREACH = "kind = 'disclosure' AND outcome = 'deny'"
_OF_AUDIENCES = "kind = 'disclosure' AND NOT known", "kind = 'disclosure' AND known = 0"


def _only(which: str, on_sqlite: str | None = None) -> dict[str, Any]:
    """The rows that an index has: the answer to a check, which is most of them and written while
    somebody waits, is in few."""
    return {"postgresql_where": text(which), "sqlite_where": text(on_sqlite or which)}


class LedgerEntryRow(Base):
    """An entry. `customer_id` is the customer's, or the entry's own id when `known` is false.
    `apart`: it occurred a day or more from when its id was made. The indexes are those that an
    auditor's filters need at ten million entries; docs/growth.md has what each of them costs."""

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
    batch_id: Mapped[UUID | None]
    entries: Mapped[int | None] = mapped_column(Integer)

    apart: Mapped[bool] = mapped_column(Boolean)
    revision: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        Index(None, "id"),
        Index(None, "recipient", "id", **_only("recipient IS NOT NULL")),
        Index(None, "purpose", "id", **_only("purpose IS NOT NULL")),
        Index(None, "touchpoint", "id", **_only("touchpoint IS NOT NULL")),
        Index(None, "kind", "id", **_only("kind <> 'decision'")),
        Index("ix_ledger_entries_breaches", "kind", "outcome", "id", **_only(_BREACH)),
        Index("ix_ledger_entries_uses", "purpose", "recipient", "id", **_only(_USE)),
        Index("ix_ledger_entries_of_audiences", "kind", "known", "id", **_only(*_OF_AUDIENCES)),
        Index("ix_ledger_entries_cites", "cites", **_only(*_OF_AUDIENCES)),
        Index("ix_ledger_entries_apart", "kind", "id", **_only("apart", "apart = 1")),
        {"postgresql_partition_by": "RANGE (id)"},
    )


class LedgerLeafRow(Base):
    """A leaf of the tree, and the entry that it stands for; None once that was erased. `change`
    is whether the entry is of one of the kinds that the change feed tells."""

    __tablename__ = "ledger_leaves"

    leaf_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID | None]
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    change: Mapped[bool | None] = mapped_column(Boolean)

    __table_args__ = (
        Index(None, "entry_id", unique=True),
        Index("ix_ledger_leaves_changes", "leaf_index", **_only("change", "change = 1")),
    )


class LedgerBatchRow(Base):
    """The answers that one leaf stands for: their hashes, 32 bytes each, and a bit for each whose
    entry is gone, as far as there are any."""

    __tablename__ = "ledger_batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    gone: Mapped[bytes] = mapped_column(LargeBinary)


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


class LedgerFormerNameRow(Base):
    """What the log was called up to a size, before it was put back from a backup."""

    __tablename__ = "ledger_former_names"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(300))
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerRetentionRow(Base):
    """Up to where nothing of a kind is left: every entry with a smaller id has gone."""

    __tablename__ = "ledger_retention"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    kept_from: Mapped[UUID]


class LedgerGoneRow(Base):
    """How many entries went, by kind or by a word of `counting`, that no leaf says yet, and when
    one said it last."""

    __tablename__ = "ledger_gone"

    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    unsaid: Mapped[int] = mapped_column(BigInteger)
    said_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
