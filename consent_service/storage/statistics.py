"""What the planner knows of the tables."""

from consent_service.storage.unit_of_work import reading


def refresh() -> None:
    """Counts anew what the tables hold, after many rows came at once. Until PostgreSQL does that by
    itself, a minute later, it plans for next to empty tables: a batch of checks takes ten times as
    long. Raises: Unavailable."""
    with reading() as tx:
        tx.exec_driver_sql("ANALYZE" if tx.dialect.name == "postgresql" else "PRAGMA optimize")
