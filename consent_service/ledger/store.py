"""SQL of the log."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, delete, insert, outerjoin, select, type_coerce
from sqlalchemy.exc import DBAPIError

from consent_service.ledger.model import Entry, EntryFilter, EntryKind, NotLogged
from consent_service.ledger.tables import LedgerEntryRow, LedgerLeafRow
from consent_service.storage.bulk import insert_rows
from consent_service.storage.direct import Door, Prepared
from consent_service.storage.types import IdText, InstantText

_entries = LedgerEntryRow.__table__


def add_entries(tx: Connection, entries: Iterable[Entry]) -> None:
    """Appends entries. Raises: NotLogged, whatever the store has against it."""
    try:
        insert_rows(tx, LedgerEntryRow, [_values(entry) for entry in entries])
    except DBAPIError as error:
        raise NotLogged() from error


_ADD = Prepared(insert(LedgerEntryRow))


def add_entry(door: Door, entry: Entry) -> None:
    """Appends one entry."""
    door.execute(_ADD, **_values(entry))


def find_entry(tx: Connection, place: UUID, entry_id: UUID) -> Entry | None:
    """One entry."""
    row = tx.execute(
        select(_entries).where(LedgerEntryRow.customer_id == place, LedgerEntryRow.id == entry_id)
    ).one_or_none()
    return None if row is None else entry_of(row)


def list_entries(
    tx: Connection, wanted: EntryFilter, after: UUID | None, limit: int
) -> list[Entry]:
    """Entries in order of id (time of recording), oldest first, after `after`."""
    query = _filtered(wanted)
    if after is not None:
        query = query.where(LedgerEntryRow.id > after)
    return [entry_of(row) for row in tx.execute(query.order_by(LedgerEntryRow.id).limit(limit))]


def list_customer_entries(tx: Connection, customer: UUID) -> list[Entry]:
    """Every entry about one customer, oldest first."""
    query = select(_entries).where(LedgerEntryRow.customer_id == customer)
    return [entry_of(row) for row in tx.execute(query.order_by(LedgerEntryRow.id))]


def delete_customer_entries(tx: Connection, customer: UUID) -> None:
    """Forgets the entries about one customer; leaves of the tree stay."""
    tx.execute(delete(LedgerEntryRow).where(LedgerEntryRow.customer_id == customer))


def _filtered(wanted: EntryFilter) -> Select[tuple[object, ...]]:
    query = select(_entries)
    for column, value in (
        (LedgerEntryRow.customer_id, wanted.place),
        (LedgerEntryRow.purpose, wanted.purpose),
        (LedgerEntryRow.recipient, wanted.recipient),
        (LedgerEntryRow.outcome, wanted.outcome),
        (LedgerEntryRow.touchpoint, wanted.touchpoint),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.kinds is not None:
        query = query.where(LedgerEntryRow.kind.in_(sorted(wanted.kinds)))
    if wanted.from_ is not None:
        query = query.where(LedgerEntryRow.occurred_at >= wanted.from_)
    if wanted.to is not None:
        query = query.where(LedgerEntryRow.occurred_at < wanted.to)
    return query


def _values(entry: Entry) -> dict[str, object]:
    return {
        "customer_id": entry.place,
        "id": entry.id,
        "known": entry.known,
        "kind": entry.kind.value,
        "occurred_at": entry.occurred_at,
        "recorded_at": entry.recorded_at,
        "client_id": entry.client_id,
        "purpose": entry.purpose,
        "channel": entry.channel,
        "data_categories": " ".join(entry.data_categories),
        "recipient": entry.recipient,
        "touchpoint": entry.touchpoint,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "catalogue_version": entry.catalogue_version,
        "cites": entry.cites,
        "commitment": entry.commitment,
        "token": entry.token,
        "payload": entry.payload,
    }


def entry_of(row: Row[tuple[object, ...]]) -> Entry:
    """The entry in a row."""
    values = dict(row._mapping)
    values["place"] = values.pop("customer_id")
    values["kind"] = EntryKind(str(values["kind"]))
    values["data_categories"] = tuple(str(values["data_categories"]).split())
    for name in ("commitment", "token"):
        values[name] = None if values[name] is None else bytes(values[name])
    return Entry(**values)


_WITH_LEAF = outerjoin(LedgerEntryRow, LedgerLeafRow, LedgerLeafRow.entry_id == LedgerEntryRow.id)
_AS_TEXT = [
    type_coerce(LedgerEntryRow.customer_id, IdText).label("place"),
    type_coerce(LedgerEntryRow.id, IdText).label("id"),
    LedgerEntryRow.known,
    LedgerEntryRow.kind,
    LedgerEntryRow.client_id,
    LedgerEntryRow.purpose,
    LedgerEntryRow.channel,
    LedgerEntryRow.data_categories,
    LedgerEntryRow.recipient,
    LedgerEntryRow.touchpoint,
    LedgerEntryRow.outcome,
    LedgerEntryRow.reason,
    LedgerEntryRow.catalogue_version,
    type_coerce(LedgerEntryRow.occurred_at, InstantText).label("occurred_at"),
    type_coerce(LedgerEntryRow.recorded_at, InstantText).label("recorded_at"),
    LedgerLeafRow.leaf_index,
]


def list_as_text(
    tx: Connection, wanted: EntryFilter, after: UUID | None, limit: int
) -> Sequence[Any]:
    """As `list_entries`, the columns of `_AS_TEXT` alone: a third of the work for many rows."""
    query = _filtered(wanted).with_only_columns(*_AS_TEXT).select_from(_WITH_LEAF)
    if after is not None:
        query = query.where(LedgerEntryRow.id > after)
    return tx.execute(query.order_by(LedgerEntryRow.id).limit(limit)).fetchall()
