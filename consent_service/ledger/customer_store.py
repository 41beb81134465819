"""SQL of the log about customers: what they read of it, from the newest on, and who got their
data."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection, func, select

from consent_service.ledger.filter_store import filtered
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.ledger.store import entry_of
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.storage.as_text import month_of


def list_newest(
    tx: Connection, wanted: EntryFilter, before: UUID | None, limit: int
) -> list[Entry]:
    """Entries in order of id, the newest first, before `before`. Filtered by a customer or by
    kinds that are few: there is no index for all else in this order."""
    query = filtered(tx, wanted)
    if before is not None:
        query = query.where(LedgerEntryRow.id < before)
    return [
        entry_of(row) for row in tx.execute(query.order_by(LedgerEntryRow.id.desc()).limit(limit))
    ]


def count_by_month(tx: Connection, wanted: EntryFilter) -> list[tuple[str, EntryKind, str, int]]:
    """How many entries of a filter occurred in each month (`2026-01`, by UTC), by kind and
    outcome."""
    by = (month_of(LedgerEntryRow.occurred_at), LedgerEntryRow.kind, LedgerEntryRow.outcome)
    rows = tx.execute(filtered(tx, wanted).with_only_columns(*by, func.count()).group_by(*by))
    return [(str(at)[:7], EntryKind(kind), said or "", count) for at, kind, said, count in rows]


def list_recipients(
    tx: Connection, customers: Sequence[UUID], purposes: Collection[str] | None = None
) -> list[tuple[UUID, str]]:
    """The recipients who were permitted to use, or did use, customers' data: customer, key."""
    row = LedgerEntryRow
    permitted = (row.kind == EntryKind.DECISION.value) & (row.outcome == "permit")
    query = (
        select(row.customer_id, row.recipient)
        .distinct()
        .where(
            row.customer_id.in_(customers),
            row.recipient.is_not(None),
            permitted | (row.kind == EntryKind.DISCLOSURE.value),
        )
    )
    if purposes is not None:
        query = query.where(row.purpose.in_(sorted(purposes)))
    return [(found.customer_id, found.recipient) for found in tx.execute(query)]
