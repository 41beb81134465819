"""SQL of what an auditor asks the log for."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.storage.bulk import spelled_out

_COLUMNS = [column for column in LedgerEntryRow.__table__.columns if column.name != "apart"]
_INDEXED = frozenset({"purpose", "recipient", "touchpoint"})
_FEW = 1_000


def filtered(tx: Connection, wanted: EntryFilter) -> Select[Any]:
    """Every entry of a filter, with its columns, in no order."""
    query, leading = select(*_COLUMNS), _leading(tx, wanted)
    if wanted.place is not None:
        query = query.where(LedgerEntryRow.customer_id == wanted.place)
    for column, value in _given(wanted):
        query = query.where(_beside(leading, column) == spelled_out(value))
    if wanted.kinds is not None:
        query = query.where(*_of_kinds(wanted.kinds, leading))
    if wanted.known is not None:
        known = LedgerEntryRow.known
        query = query.where(known if wanted.known else ~known)
    if wanted.from_ is not None:
        query = query.where(LedgerEntryRow.occurred_at >= wanted.from_)
    if wanted.to is not None:
        query = query.where(LedgerEntryRow.occurred_at < wanted.to)
    return query


def of_kinds(kinds: Collection[EntryKind]) -> list[ColumnElement[bool]]:
    """That an entry is of one of these kinds, as the partial indexes have it."""
    kind = LedgerEntryRow.kind
    names = [spelled_out(name.value) for name in sorted(kinds)]
    one_of = kind == names[0] if len(names) == 1 else kind.in_(names)
    if EntryKind.DECISION in kinds:
        return [one_of]
    return [one_of, kind != spelled_out(EntryKind.DECISION.value)]


def _leading(tx: Connection, wanted: EntryFilter) -> str | None:
    """The column that is to be walked along, where the store is to be told: the customer's, or on
    SQLite one of several that few entries pass. PostgreSQL knows how many they are; SQLite may walk
    through the millions of another."""
    if wanted.place is not None:
        return "customer_id"
    given = [(column, value) for column, value in _given(wanted) if column.key in _INDEXED]
    if tx.dialect.name != "sqlite" or (len(given) < 2 and wanted.kinds is None):
        return None
    for column, value in given:
        some = select(column).where(column == spelled_out(value)).limit(_FEW).subquery()
        if (tx.scalar(select(func.count()).select_from(some)) or 0) < _FEW:
            return str(column.key)
    return None


def _given(wanted: EntryFilter) -> list[tuple[Any, str]]:
    row = LedgerEntryRow
    named = (
        (row.purpose, wanted.purpose),
        (row.recipient, wanted.recipient),
        (row.outcome, wanted.outcome),
        (row.touchpoint, wanted.touchpoint),
    )
    return [(column, value) for column, value in named if value is not None]


def _beside(leading: str | None, column: Any) -> ColumnElement[Any]:
    """A column, past its index where another leads."""
    found: ColumnElement[Any] = column
    return found if leading in (None, column.key) else func.coalesce(column, spelled_out(""))


def _of_kinds(kinds: Collection[EntryKind], leading: str | None) -> list[ColumnElement[bool]]:
    if leading is None:
        return of_kinds(kinds)
    names = [spelled_out(name.value) for name in sorted(kinds)]
    return [_beside(leading, LedgerEntryRow.kind).in_(names)]
