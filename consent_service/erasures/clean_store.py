"""Making what was deleted disappear from the store's files too."""

from sqlalchemy import Connection

from consent_service.storage.db import Base

_CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"


def is_postgres(tx: Connection) -> bool:
    """Whether the store keeps deleted rows until they are vacuumed."""
    return tx.dialect.name == "postgresql"


def truncate_wal(tx: Connection) -> bool:
    """Writes the WAL of SQLite into its file, where deleted values are overwritten at once
    (`secure_delete`), and empties it. False while somebody reads from it."""
    busy, *_ = tx.exec_driver_sql(_CHECKPOINT).one()
    return not busy


def vacuum(tx: Connection, *, full: bool = False) -> None:
    """Has PostgreSQL take deleted rows out of every table that rows of customers stand in. Outside
    a transaction. What they said may stand on in the unused part of a page until that is used
    again; `full` writes the tables anew, each locked meanwhile, and leaves nothing."""
    names = sorted(
        name for name, table in Base.metadata.tables.items() if "customer_id" in table.columns
    )
    quoted = ", ".join(tx.dialect.identifier_preparer.quote(name) for name in names)
    tx.exec_driver_sql("SET statement_timeout = 0")
    try:
        how = "FULL" if full else "INDEX_CLEANUP ON"
        tx.exec_driver_sql(f"VACUUM ({how}) {quoted}")
    finally:
        tx.exec_driver_sql("RESET statement_timeout")
