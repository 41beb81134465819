"""SQL of how many entries went, and of what entries say of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select, update

from consent_service.ledger.filter_store import of_kinds
from consent_service.ledger.model import EntryKind
from consent_service.ledger.tables import LedgerEntryRow, LedgerGoneRow
from consent_service.ledger.tree_store import leaf_of_entry
from consent_service.storage.bulk import spelled_out

_row = LedgerGoneRow


def add(tx: Connection, counts: Mapping[str, int]) -> None:
    """Counts what went, for a leaf to say. The caller holds retention."""
    for what, count in counts.items():
        mine, more = _row.what == what, _row.unsaid + count
        if count and not tx.execute(update(_row).where(mine).values(unsaid=more)).rowcount:
            tx.execute(insert(_row).values(what=what, unsaid=count))


def list_unsaid(tx: Connection) -> dict[str, int]:
    """What went and no leaf says."""
    return {row.what: row.unsaid for row in tx.execute(select(_row.what, _row.unsaid))}


def list_due(tx: Connection, said_before: datetime) -> dict[str, int]:
    """What is to be said: of that of which nothing was said since."""
    since = or_(_row.said_at.is_(None), _row.said_at <= said_before)
    query = select(_row.what, _row.unsaid).where(_row.unsaid > 0, since).order_by(_row.what)
    return {row.what: row.unsaid for row in tx.execute(query)}


def set_said(tx: Connection, what: Sequence[str], now: datetime) -> None:
    """Notes that it was said."""
    tx.execute(update(_row).where(_row.what.in_(what)).values(unsaid=0, said_at=now))


def list_unsealed(tx: Connection, since: UUID) -> list[Any]:
    """Entries without a leaf, with an id from `since` on, that may say how many went: `kind`,
    `reason`, `outcome`, `entries`."""
    row = LedgerEntryRow
    query = select(row.kind, row.reason, row.outcome, row.entries).where(
        *of_kinds([EntryKind.ERASURE, EntryKind.STAFF_ACT]),
        row.id >= spelled_out(since),
        row.entries.is_not(None),
        leaf_of_entry().is_(None),
    )
    return list(tx.execute(query))
