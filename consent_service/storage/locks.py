"""Holding a name that may have no row yet."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

_HOLD = text("SELECT pg_advisory_xact_lock(name) FROM unnest(CAST(:names AS bigint[])) AS name")


def hold(tx: Connection, digests: Iterable[bytes]) -> None:
    """Holds digests, of 8 bytes or more, until the transaction ends; whoever else wants to hold
    one of them waits. On SQLite there is one writer at a time anyway."""
    names = sorted({int.from_bytes(digest[:8], signed=True) for digest in digests})
    if names and tx.dialect.name == "postgresql":
        tx.execute(_HOLD, {"names": names})
