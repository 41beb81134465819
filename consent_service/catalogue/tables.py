"""Every version of the catalogue that was ever in force; nothing updates or deletes a row."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class CatalogueRow(Base):
    """A version, and who loaded it. Versions are counted by the service: 1, 2, …"""

    __tablename__ = "catalogues"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    recorded_from: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
