"""SQL of effort scores."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from consent_service.effort_scores.model import About, Count
from consent_service.effort_scores.tables import EffortCountRow

_counts = EffortCountRow.__table__


def add(tx: Connection, month: str, about: About, score: int) -> None:
    """Counts one answer."""
    kind = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    row = kind(EffortCountRow).values(month=month, about=about.value, score=score, answers=1)
    counted = row.on_conflict_do_update(
        index_elements=[_counts.c.month, _counts.c.about, _counts.c.score],
        set_={"answers": _counts.c.answers + 1},
    )
    tx.execute(counted)


def list_counts(tx: Connection) -> list[Count]:
    """Every count, the oldest month first."""
    query = select(_counts).order_by(_counts.c.month, _counts.c.about, _counts.c.score)
    return [Count(row.month, About(row.about), row.score, row.answers) for row in tx.execute(query)]
