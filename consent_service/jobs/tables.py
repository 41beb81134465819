"""The jobs' schedule. Holds nothing about anybody."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime


class JobRow(Base):
    """Where a job stands. Whoever sets `leased_until` runs it."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error_kind: Mapped[str | None] = mapped_column(String(100))
    failed_runs: Mapped[int] = mapped_column(default=0)
