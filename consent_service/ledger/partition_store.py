"""SQL of the log's partitions: DDL, and PostgreSQL alone. A name is of our own making, and a bound
is an id, whose text is safe to stand in a statement."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from consent_service.storage.locks import hold

PARENT = "ledger_entries"
REST = "ledger_entries_rest"
_LOCK = b"ledger.p"


def is_partitioned(tx: Connection) -> bool:
    """Whether this store has partitions at all."""
    return tx.dialect.name == "postgresql"


def begin(tx: Connection) -> None:
    """Holds the partitions until the unit of work ends. From here on a lock that writers keep for
    longer than half a second is given up: they wait no longer than that for us."""
    hold(tx, [_LOCK])
    tx.execute(text("SET LOCAL lock_timeout = '500ms'"))


def list_partitions(tx: Connection) -> list[str]:
    """The names of the partitions that there are, in order, without the rest."""
    found = tx.scalars(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST(:parent AS regclass) AND c.relname <> :rest ORDER BY 1"
        ),
        {"parent": PARENT, "rest": REST},
    )
    return list(found)


def count_strays(tx: Connection, lo: UUID, hi: UUID, most: int) -> int:
    """How many entries from one id up to another are in the rest; counted up to `most`."""
    some = f"SELECT 1 FROM {REST} WHERE id >= :lo AND id < :hi LIMIT :most"  # noqa: S608  # names of our own
    found = tx.scalar(
        text(f"SELECT count(*) FROM ({some}) AS strays"),  # noqa: S608  # as above
        {"lo": lo, "hi": hi, "most": most},
    )
    return int(found or 0)


def lock_all(tx: Connection) -> None:
    """Keeps everybody out of the log: a reader that has planned without a partition would miss
    what is moved into it."""
    tx.execute(text(f"LOCK TABLE ONLY {PARENT} IN ACCESS EXCLUSIVE MODE"))


def create(tx: Connection, name: str, lo: UUID, hi: UUID) -> None:
    """Makes a table that can become the partition from one id up to another. That its rows are of
    that range is known beforehand, and they are not read again for it."""
    tx.execute(
        text(
            f"CREATE TABLE {name} (LIKE {PARENT} INCLUDING DEFAULTS, "
            f"CONSTRAINT {name}_range CHECK (id >= '{lo}' AND id < '{hi}'))"
        )
    )


def move_strays(tx: Connection, name: str, lo: UUID, hi: UUID) -> None:
    """Moves what the rest has of a range."""
    went = f"DELETE FROM {REST} WHERE id >= :lo AND id < :hi RETURNING *"  # noqa: S608  # as above
    tx.execute(
        text(f"WITH went AS ({went}) INSERT INTO {name} SELECT * FROM went"),  # noqa: S608  # as above
        {"lo": lo, "hi": hi},
    )


def attach(tx: Connection, name: str, lo: UUID, hi: UUID) -> None:
    """Makes the table a partition. Writers go on meanwhile, but those into the rest."""
    bounds = f"FROM ('{lo}') TO ('{hi}')"
    tx.execute(text(f"ALTER TABLE {PARENT} ATTACH PARTITION {name} FOR VALUES {bounds}"))
    tx.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT {name}_range"))


def drop_if_empty(tx: Connection, name: str) -> bool:
    """Drops a partition; False, and nothing happens, when it has an entry."""
    if _has_rows(tx, name):
        return False
    lock_all(tx)
    tx.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
    if _has_rows(tx, name):
        return False
    tx.execute(text(f"DROP TABLE {name}"))
    return True


def _has_rows(tx: Connection, name: str) -> bool:
    found: Sequence[object] = tx.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).all()  # noqa: S608  # as above
    return bool(found)
