"""SQL of what records are made from again: those in force, and the events that can still count."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from consent_service.consents.model import Event, Record
from consent_service.consents.slots import Place, Slot
from consent_service.consents.store import event_of, record_of
from consent_service.consents.tables import ConsentEventRow, ConsentRecordRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.many import OneOf, QuickRowsAmong


def list_latest_events(
    tx: Connection, customer_ids: Collection[CustomerId], purposes: Collection[str] | None = None
) -> dict[Place, list[Event]]:
    """The events of customers that can matter to a record, for some purposes or all: of each
    channel and kind, imported or not, by a guardian or not, under each notice, the latest. Of those
    that happened at once the one that `projection` lets count, which is the last id."""
    if not customer_ids:
        return {}
    of_all = purposes is None
    rows = _LATEST(tx, customer_ids) if of_all else _LATEST_OF(tx, customer_ids, purposes or ())
    found: dict[Place, list[Event]] = {}
    for row in rows:
        event = event_of(row)
        found.setdefault((event.customer_id, event.purpose), []).append(event)
    return found


def list_last(
    tx: Connection, customer_ids: Collection[CustomerId], purposes: Collection[str]
) -> dict[Place, datetime]:
    """When the last events of customers for some purposes happened."""
    rows = _LAST(tx, customer_ids, purposes)
    return {(CustomerId(customer), purpose): last for customer, purpose, last in rows}


def latest(*theirs: ColumnElement[bool]) -> Select[Any]:
    """The query for the events that can matter to a record, among some."""
    row = ConsentEventRow
    sort = (row.customer_id, row.purpose, row.channel, row.kind, row.imported, row.by_guardian,
            row.notice_version)  # fmt: skip
    place = func.row_number().over(
        partition_by=sort, order_by=(row.happened_at.desc(), row.id.desc())
    )
    ranked = select(row.__table__, place.label("place")).where(*theirs).subquery()
    return select(ranked).where(ranked.c.place == 1)


_LATEST = QuickRowsAmong(ConsentEventRow.customer_id, lambda theirs, _: latest(theirs))
_LATEST_OF = QuickRowsAmong(
    ConsentEventRow.customer_id,
    lambda theirs, one_of: latest(theirs, one_of(ConsentEventRow.purpose)),
)


def _last(theirs: ColumnElement[bool], one_of: OneOf) -> Select[Any]:
    row = ConsentEventRow
    place = (row.customer_id, row.purpose)
    query: Select[*tuple[Any, ...]] = select(*place, func.max(row.happened_at).label("last"))
    return query.where(theirs, one_of(row.purpose)).group_by(*place)


_LAST = QuickRowsAmong(ConsentEventRow.customer_id, _last)


def find_records(
    tx: Connection, customer_ids: Collection[CustomerId], purposes: Collection[str] | None = None
) -> dict[Slot, Record]:
    """The records in force of customers, for some purposes or all."""
    if purposes is None:
        rows = _IN_FORCE(tx, customer_ids)
    else:
        rows = _IN_FORCE_FOR(tx, customer_ids, purposes)
    found: dict[Slot, Record] = {}
    for row in rows:
        record = record_of(row)
        found[CustomerId(row.customer_id), record.purpose, record.channel] = record
    return found


def _in_force(*conditions: ColumnElement[bool]) -> Select[Any]:
    in_force = ConsentRecordRow.recorded_to.is_(None)
    return select(ConsentRecordRow.__table__).where(in_force, *conditions)


_IN_FORCE = QuickRowsAmong(ConsentRecordRow.customer_id, lambda theirs, _: _in_force(theirs))
_IN_FORCE_FOR = QuickRowsAmong(
    ConsentRecordRow.customer_id,
    lambda theirs, one_of: _in_force(theirs, one_of(ConsentRecordRow.purpose)),
)
