"""SQL of the list of who was erased."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from consent_service.erasures.tables import ErasedCustomerRow
from consent_service.storage.many import among

Listed = tuple[bytes, bytes, datetime]


def add(tx: Connection, listed: Sequence[Listed]) -> None:
    """Puts people on the list: digest, key id, when. Who is on it already stays as they are."""
    rows = [{"digest": d, "key_id": k, "erased_at": at} for d, k, at in listed]
    if tx.dialect.name == "postgresql":
        tx.execute(postgresql.insert(ErasedCustomerRow).on_conflict_do_nothing(), rows)
    else:
        tx.execute(sqlite.insert(ErasedCustomerRow).on_conflict_do_nothing(), rows)


def list_after(tx: Connection, after: bytes, limit: int) -> list[Listed]:
    """A part of the list, in order of digest."""
    row = ErasedCustomerRow
    query = select(row.__table__).where(row.digest > after).order_by(row.digest).limit(limit)
    return [(bytes(r.digest), bytes(r.key_id), r.erased_at) for r in tx.execute(query)]


def list_since(tx: Connection, since: datetime, after: bytes, limit: int) -> list[Listed]:
    """Who was put on the list after an instant and a digest, in that order."""
    row = ErasedCustomerRow
    later = or_(row.erased_at > since, (row.erased_at == since) & (row.digest > after))
    query = select(row.__table__).where(later).order_by(row.erased_at, row.digest).limit(limit)
    return [(bytes(r.digest), bytes(r.key_id), r.erased_at) for r in tx.execute(query)]


def find_present(tx: Connection, digests: Collection[bytes]) -> set[bytes]:
    """Those of these digests that are on the list."""
    row = ErasedCustomerRow
    query = select(row.digest).where(among(tx, row.digest, list(digests)))
    return {bytes(found) for found in tx.scalars(query)}
