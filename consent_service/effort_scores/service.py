"""Counting answers to the one question, and telling the counts."""

from datetime import datetime

from consent_service.effort_scores import store
from consent_service.effort_scores.model import SCORES, About, Count
from consent_service.kernel.errors import Invalid
from consent_service.storage.unit_of_work import reading, unit_of_work


def record_score(about: About, score: int, now: datetime) -> None:
    """Counts an answer, of the month and of nobody. Raises: Invalid."""
    if score not in SCORES:
        raise Invalid.at("/score", "out_of_range", "1 to 7.")
    with unit_of_work() as tx:
        store.add(tx, f"{now:%Y-%m}", about, score)


def list_counts() -> list[Count]:
    """Every count, the oldest month first."""
    with reading() as tx:
        return store.list_counts(tx)
