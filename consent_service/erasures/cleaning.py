"""The last of an erasure: its rows disappear from the store's files.

On SQLite deleted values are overwritten (`secure_delete`), and the WAL is emptied into the file. On
PostgreSQL the tables are vacuumed, not every minute, since that reads what has changed of them: no
statement reaches deleted rows any more, and their place is used again. What stood there was sealed,
but for ids that lead nowhere. `rewrite` leaves not even those.
"""

from datetime import datetime, timedelta

from consent_service.erasures import clean_store, store
from consent_service.storage.unit_of_work import reading, unit_of_work

BETWEEN_VACUUMS = timedelta(minutes=10)
_BATCH = 10_000


def clean(now: datetime) -> int:
    """Cleans the store's files, if people were erased since; how many."""
    with reading() as tx:
        ids = store.list_to_clean(tx, _BATCH)
        if not ids:
            return 0
        if clean_store.is_postgres(tx):
            last = store.find_last_cleaned(tx)
            if last is not None and last + BETWEEN_VACUUMS > now:
                return 0
            clean_store.vacuum(tx)
        elif not clean_store.truncate_wal(tx):
            return 0
    with unit_of_work() as tx:
        store.set_cleaned(tx, ids, now)
    return len(ids)


def rewrite() -> bool:
    """Writes the tables of customers anew, on PostgreSQL, or empties the WAL of SQLite. Each table
    is locked meanwhile. False where somebody reads from the WAL."""
    with reading() as tx:
        if not clean_store.is_postgres(tx):
            return clean_store.truncate_wal(tx)
        clean_store.vacuum(tx, full=True)
    return True
