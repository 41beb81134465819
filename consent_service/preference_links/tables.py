"""Unsubscribe links."""

from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.crypto.envelope import Sealed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes


class UnsubscribeLinkRow(Base):
    """What a link withdraws, placed by the hash of its token. `token`, sealed, is for handing the
    same link out again; empty after a merge. `channel` is empty for all channels."""

    __tablename__ = "unsubscribe_links"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    customer_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(16))
    token: Mapped[Sealed | None] = mapped_column(SealedBytes("unsubscribe_link.token"))

    __table_args__ = (Index(None, "customer_id"),)
