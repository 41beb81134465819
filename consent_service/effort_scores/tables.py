"""Effort scores. There is no row of an answer, so that none can be anybody's."""

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.storage.db import Base


class EffortCountRow(Base):
    """How often a score was given in a month."""

    __tablename__ = "effort_counts"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    about: Mapped[str] = mapped_column(String(16), primary_key=True)
    score: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    answers: Mapped[int] = mapped_column(Integer)
