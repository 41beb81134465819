"""Customers' rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime


class CustomerRow(Base):
    """A customer. `revision` is raised, under a lock, by every change to anything of theirs.
    `audience_secret` is what finds them among the members of an audience, and nothing else.
    `profile_changed_at` is empty while the profile is the first; `trimmed_for` digests which fields
    it was last found to be without."""

    __tablename__ = "customers"

    customer_id: Mapped[UUID]
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    language: Mapped[str | None] = mapped_column(String(35))
    profile: Mapped[Sealed] = mapped_column(SealedBytes("customer.profile"))
    audience_secret: Mapped[bytes] = mapped_column(LargeBinary(16))
    profile_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trimmed_for: Mapped[bytes | None] = mapped_column(LargeBinary(16))

    # An audience is joined with the index alone: the rows are wide.
    __table_args__ = (PrimaryKeyConstraint("customer_id", postgresql_include=["audience_secret"]),)


class CustomerFactsRow(Base):
    """What decisions read of a customer; the row in force has no `recorded_to`."""

    __tablename__ = "customer_facts"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    recorded_from: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    jurisdiction: Mapped[str | None] = mapped_column(String(6))
    age_band: Mapped[str | None] = mapped_column(String(8))
    restricted: Mapped[bool] = mapped_column(Boolean)
    gpc_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomerKeyRow(Base):
    """A customer's data key, wrapped. `master_id` repeats the id in its header, for counting."""

    __tablename__ = "customer_keys"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    wrapped: Mapped[Sealed] = mapped_column(SealedBytes("customer_key"))
    master_id: Mapped[bytes] = mapped_column(LargeBinary(4))

    __table_args__ = (Index(None, "master_id"),)


class KeyMarkRow(Base):
    """A service key that data here was made with. `fingerprint` tells it from another of its id."""

    __tablename__ = "key_marks"

    key_id: Mapped[bytes] = mapped_column(LargeBinary(4), primary_key=True)
    use: Mapped[str] = mapped_column(String(8))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(8))
    marked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CustomerIdentifierRow(Base):
    """An identifier beside its customer."""

    __tablename__ = "customer_identifiers"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(16))
    value: Mapped[Sealed] = mapped_column(SealedBytes("identifier.value"))
    source: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdentifierIndexRow(Base):
    """Who has an identifier, by blind index: placed by the index, not by the customer."""

    __tablename__ = "identifier_index"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4))
    normaliser: Mapped[int] = mapped_column(SmallInteger)
    customer_id: Mapped[UUID]
    identifier_id: Mapped[UUID]

    # An audience is joined with the index alone, in its order: the rows lie in no order of it.
    __table_args__ = (
        PrimaryKeyConstraint("digest", postgresql_include=["customer_id"]),
        Index(None, "key_id"),
        Index(None, "customer_id"),
    )


class CustomerAliasRow(Base):
    """An id that was merged into another: it stays good for checks, export and erasure, and what
    found it in audiences finds whom it leads to."""

    __tablename__ = "customer_aliases"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    kept_id: Mapped[UUID]
    merged_at: Mapped[datetime] = mapped_column(UtcDateTime)
    audience_secret: Mapped[bytes] = mapped_column(LargeBinary(16))

    __table_args__ = (Index(None, "kept_id"),)
