"""What the planner knows of the tables."""

import structlog

from consent_service.kernel.errors import Unavailable
from consent_service.storage.unit_of_work import reading

_log = structlog.get_logger()


def refresh() -> None:
    """Counts anew what PostgreSQL's tables hold, after many rows came at once. Until it does that
    by itself, a minute later, it plans for next to empty tables: a batch of checks takes ten
    times as long. What came is there all the same where this fails."""
    try:
        with reading() as tx:
            if tx.dialect.name == "postgresql":
                tx.exec_driver_sql("ANALYZE")
    except Unavailable:
        _log.warning("storage:statistics:not_refreshed")
