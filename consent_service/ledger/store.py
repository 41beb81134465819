"""SQL of the log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import DBAPIError

from consent_service.ledger.filter_store import filtered, of_kinds
from consent_service.ledger.model import Answer, Entry, EntryFilter, EntryKind, NotLogged
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.ledger.tree_store import leaf_of_entry
from consent_service.storage.alike import insert_each
from consent_service.storage.as_text import instant_text, uuid_text
from consent_service.storage.bulk import insert_alike, spelled_out
from consent_service.storage.direct import Door
from consent_service.storage.many import among
from consent_service.storage.prepared import Along, Prepared

_entries = LedgerEntryRow.__table__
_COLUMNS = [column for column in _entries.columns if column.name != "apart"]
_APART = timedelta(days=1)
_WITHIN = _APART + timedelta(seconds=1)  # an id has no microseconds
_LAST_MS = (1 << 48) - 1
_NEAR = 45 * 86_400_000 << 80  # between ids that were made 45 days apart
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


def add_entries(tx: Connection, entries: Sequence[Entry]) -> None:
    """Appends entries. Raises: NotLogged, whatever the store has against it."""
    own: dict[str, list[Any]] = {
        "customer_id": [each.place for each in entries],
        "id": [each.id for each in entries],
        "occurred_at": [each.occurred_at for each in entries],
        "commitment": [each.commitment for each in entries],
        "token": [each.token for each in entries],
        "payload": [each.payload for each in entries],
        "apart": [_is_apart(each) for each in entries],
        "revision": [each.revision for each in entries],
    }
    try:
        insert_each(tx, LedgerEntryRow, entries, _alike, entry_values, own)
    except DBAPIError as error:
        raise NotLogged() from error


def _alike(entry: Entry) -> tuple[Any, ...]:
    """What tells whether two entries differ in other columns than those."""
    e = entry
    return (e.known, id(e.kind), e.recorded_at, e.client_id, e.purpose, e.channel, e.recipient,
            e.data_categories, e.touchpoint, e.outcome, e.reason, e.catalogue_version, e.cites,
            e.batch_id, e.entries)  # fmt: skip


def add_answers(tx: Connection, answers: Sequence[Answer]) -> None:
    """Appends the entries of many answers. Raises: NotLogged, whatever the store has against it."""
    alike = {id(each.said): each for each in answers}
    at = {said: number for number, said in enumerate(alike)}
    own: dict[str, list[Any]] = {
        "customer_id": [each.place for each in answers],
        "id": [each.id for each in answers],
        "token": [each.token for each in answers],
        "commitment": [each.commitment for each in answers],
        "payload": [each.payload for each in answers],
    }
    shared = [entry_values(each.entry()) for each in alike.values()]
    try:
        insert_alike(tx, LedgerEntryRow, shared, [at[id(each.said)] for each in answers], own)
    except DBAPIError as error:
        raise NotLogged() from error


_ADD = Prepared(insert(LedgerEntryRow), Along.WRITING)


def add_entry(door: Door, entry: Entry) -> bool:
    """Appends one entry: True."""
    return door.execute(_ADD, **entry_values(entry)) == 1


def adding_while(holds: ColumnElement[bool]) -> Prepared:
    """A statement for `add_entry_while`; `holds` may bind any column of an entry by its name."""
    values = [bindparam(column.name, type_=column.type) for column in _entries.columns]
    said = select(*values).where(holds)
    return Prepared(insert(LedgerEntryRow).from_select(list(_entries.columns), said), Along.WRITING)


def add_entry_while(door: Door, statement: Prepared, entry: Entry) -> bool:
    """Appends one entry if what the statement asks for holds; whether it does."""
    return door.execute(statement, **entry_values(entry)) == 1


def find_entry(tx: Connection, place: UUID, entry_id: UUID) -> Entry | None:
    """One entry."""
    row = tx.execute(
        select(*_COLUMNS).where(LedgerEntryRow.customer_id == place, LedgerEntryRow.id == entry_id)
    ).one_or_none()
    return None if row is None else entry_of(row)


def list_entries(
    tx: Connection, wanted: EntryFilter, after: UUID | None, limit: int
) -> list[Entry]:
    """Entries in order of id (time of recording), oldest first, after `after`."""
    return [entry_of(row) for row in _list(tx, filtered(tx, wanted), wanted, after, limit)]


def list_by_ids(tx: Connection, entry_ids: Sequence[UUID], *, held: bool = False) -> list[Entry]:
    """The entries of some ids, as far as they are there, in no order. `held`: none that an erasure
    or a merge is at just now; until the unit of work ends, none takes one of these away."""
    if not entry_ids:
        return []
    made = LedgerEntryRow.id
    near = made.between(spelled_out(min(entry_ids)), spelled_out(max(entry_ids)))
    query = select(*_COLUMNS).where(near, among(tx, made, entry_ids))
    if held:
        query = query.with_for_update(read=True, key_share=True, skip_locked=True)
    return [entry_of(row) for row in tx.execute(query)]


def list_customer_entries(tx: Connection, customer: UUID, *, held: bool = False) -> list[Entry]:
    """Every entry about one customer, oldest first. `held`: until the unit of work ends nobody else
    takes one away."""
    query = select(*_COLUMNS).where(LedgerEntryRow.customer_id == customer)
    if held:
        query = query.with_for_update()
    return [entry_of(row) for row in tx.execute(query.order_by(LedgerEntryRow.id))]


def delete_customer_entries(tx: Connection, customers: Sequence[UUID]) -> None:
    """Forgets the entries about one customer; leaves of the tree stay."""
    tx.execute(delete(LedgerEntryRow).where(LedgerEntryRow.customer_id.in_(customers)))


def _list(
    tx: Connection,
    query: Select[*tuple[Any, ...]],
    wanted: EntryFilter,
    after: UUID | None,
    limit: int,
) -> list[Any]:
    """The first rows of a filter after an id, by id."""
    found: list[Any] = []
    made, apart = _entries.c.id, _entries.c.apart
    for lo, hi, marked in _stretches(wanted, after or _before_all(tx)):
        within = query.where(made > spelled_out(lo), made < spelled_out(hi))
        if marked:
            within = within.where(apart)
        found += tx.execute(within.order_by(made).limit(limit - len(found))).fetchall()
        if len(found) == limit:
            break
    return found


def _stretches(wanted: EntryFilter, after: UUID) -> Iterator[tuple[UUID, UUID, bool]]:
    """Where to look, in order of id: between which ones, for all or for marked ones alone. What
    occurred within a time has an id of that time, give or take a day, or is marked. A page is
    mostly full after a month or two, which is planned in a tenth of the time that all months
    take."""
    lo = _FIRST if wanted.from_ is None else _edge(wanted.from_, -_WITHIN)
    hi = _LAST if wanted.to is None else _edge(wanted.to, _WITHIN)
    if after < lo:
        yield after, lo, True
    since = max(_just_before(lo), after)
    near = min(hi, UUID(int=min(since.int + _NEAR, _LAST.int)))
    if since < near:
        yield since, near, False
    if near < hi:
        yield _just_before(near), hi, False
    if hi < _LAST:
        yield max(_just_before(hi), after), _LAST, True


def _before_all(tx: Connection) -> UUID:
    made = LedgerEntryRow.id
    first = tx.scalar(select(made).order_by(made).limit(1))
    return _FIRST if first is None else _just_before(first)


def _just_before(made: UUID) -> UUID:
    return UUID(int=max(made.int - 1, 0))


def _edge(instant: datetime, by: timedelta) -> UUID:
    milliseconds = int((instant.timestamp() + by.total_seconds()) * 1_000)
    return UUID(int=min(max(milliseconds, 0), _LAST_MS) << 80)


def _is_apart(entry: Entry) -> bool:
    """Marks what occurred a day or more from when its id was made."""
    return _are_apart(entry.id.int >> 80, entry.occurred_at)


@lru_cache(maxsize=512)
def _are_apart(milliseconds: int, occurred_at: datetime) -> bool:
    """Many that are recorded together have both in common."""
    return abs(datetime.fromtimestamp(milliseconds / 1_000, UTC) - occurred_at) >= _APART


def entry_values(entry: Entry) -> dict[str, object]:
    """The columns of an entry."""
    return {
        "customer_id": entry.place,
        "id": entry.id,
        "known": entry.known,
        "kind": str(entry.kind),
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
        "batch_id": entry.batch_id,
        "entries": entry.entries,
        "apart": _is_apart(entry),
        "revision": entry.revision,
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


_AS_TEXT = [
    uuid_text(LedgerEntryRow.customer_id).label("place"),
    uuid_text(LedgerEntryRow.id).label("id"),
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
    instant_text(LedgerEntryRow.occurred_at).label("occurred_at"),
    instant_text(LedgerEntryRow.recorded_at).label("recorded_at"),
    leaf_of_entry().label("leaf_index"),
]


def list_as_text(
    tx: Connection, wanted: EntryFilter, after: UUID | None, limit: int
) -> Sequence[Any]:
    """As `list_entries`, the columns of `_AS_TEXT` alone: a third of the work for many rows."""
    return _list(tx, filtered(tx, wanted).with_only_columns(*_AS_TEXT), wanted, after, limit)


def list_cited(tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that a use cites which is about nobody by name."""
    cited = LedgerEntryRow.cites
    query = filtered(tx, EntryFilter(kinds=frozenset({EntryKind.DISCLOSURE}), known=False))
    found = tx.scalars(query.with_only_columns(cited).where(cited.in_(ids)))
    return {each for each in found if each is not None}


def sum_entries(tx: Connection) -> dict[tuple[str, str | None, str], int]:
    """By reason, outcome and data categories, what staff acts say of how much went."""
    row = LedgerEntryRow
    by = (row.reason, row.outcome, row.data_categories)
    said = (*of_kinds([EntryKind.STAFF_ACT]), row.entries.is_not(None))
    query = select(*by, func.sum(row.entries)).where(*said).group_by(*by)
    return {(str(why), outcome, of): int(went or 0) for why, outcome, of, went in tx.execute(query)}
