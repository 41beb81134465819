"""Erasures, and the list of who was erased. Neither names anybody."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class ErasureRow(Base):
    """How far an erasure is, under its request's id."""

    __tablename__ = "erasures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    swept_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cleaned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    proof_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entries: Mapped[int] = mapped_column(Integer)
    marks: Mapped[int] = mapped_column(Integer)
    who: Mapped[Sealed | None] = mapped_column(SealedBytes("erasure.who"))
    link_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    certificate: Mapped[str | None] = mapped_column(Text)
    entry_id: Mapped[UUID | None]

    __table_args__ = (Index(None, "erased_at"), Index(None, "link_sha256"))


class ErasedCustomerRow(Base):
    """Somebody who was erased, by a keyed digest of each id that led to them: whoever restores a
    backup finds them in it again. To be kept apart from backups, and longer."""

    __tablename__ = "erased_customers"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4))
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
