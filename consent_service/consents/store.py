"""SQL of events and records."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, or_, select, update

from consent_service.catalogue.model import Channel
from consent_service.consents.model import Event, EventKind, Record, State
from consent_service.consents.slots import Ended, Made
from consent_service.consents.tables import ConsentEventRow, ConsentRecordRow
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.ids import CustomerId, first_uuid_of, time_of
from consent_service.storage.alike import insert_each
from consent_service.storage.many import among_pairs, rows_among

# Found by value in a tenth of the time that an Enum takes: there are several a row. The other way
# `str` takes a tenth of `value`.
_STATES = {state.value: state for state in State}
_KINDS = {kind.value: kind for kind in EventKind}
_CHANNELS: dict[str, Channel | None] = {"": None, **{each.value: each for each in Channel}}


def add_events(tx: Connection, events: Sequence[Event]) -> None:
    """Adds events. What many say alike is put together once."""
    own: dict[str, list[Any]] = {
        "customer_id": [event.customer_id for event in events],
        "id": [event.id for event in events],
        "revision": [event.revision for event in events],
        "happened_at": [event.happened_at for event in events],
        "captured_at": [event.captured_at for event in events],
        "proof": [event.proof for event in events],
    }
    insert_each(tx, ConsentEventRow, events, _alike, event_values, own)


def _alike(event: Event) -> tuple[Any, ...]:
    """What tells whether two events differ in other columns than their own. Members of an enum are
    told apart by identity: their hash is slow."""
    e = event
    return (e.purpose, id(e.channel), id(e.kind), e.recorded_at, e.notice_version, e.language,
            e.touchpoint, e.lifecycle_stage, id(e.actor), e.by_guardian, e.imported)  # fmt: skip


def find_event(tx: Connection, customer_id: CustomerId, event_id: UUID) -> Event | None:
    """One event."""
    row = tx.execute(
        select(ConsentEventRow.__table__).where(
            ConsentEventRow.customer_id == customer_id, ConsentEventRow.id == event_id
        )
    ).one_or_none()
    return None if row is None else event_of(row)


def list_events(
    tx: Connection,
    customer_id: CustomerId,
    after: tuple[int, UUID] | None = None,
    limit: int | None = None,
) -> list[Event]:
    """A customer's events in order of revision and id, after one. After a merge two may share
    a revision."""
    row = ConsentEventRow
    query = select(row.__table__).where(row.customer_id == customer_id)
    if after is not None:
        revision, event_id = after
        later = or_(row.revision > revision, (row.revision == revision) & (row.id > event_id))
        query = query.where(later)
    query = query.order_by(row.revision, row.id)
    rows = tx.execute(query if limit is None else query.limit(limit))
    return [event_of(found) for found in rows]


def list_events_of(tx: Connection, customer_ids: Sequence[CustomerId]) -> list[Event]:
    """Every event of customers, in order of revision and id."""
    row = ConsentEventRow
    query = select(row.__table__).where(row.customer_id.in_(customer_ids))
    return [event_of(found) for found in tx.execute(query.order_by(row.revision, row.id))]


def list_newest_events(
    tx: Connection, customer_id: CustomerId, purpose: str, before: UUID | None, limit: int
) -> list[Event]:
    """A customer's events of a purpose, the last recorded first, before one."""
    row = ConsentEventRow
    query = select(row.__table__).where(row.customer_id == customer_id, row.purpose == purpose)
    if before is not None:
        query = query.where(row.id < before)
    return [event_of(found) for found in tx.execute(query.order_by(row.id.desc()).limit(limit))]


def list_recorded_with(tx: Connection, event: Event, limit: int) -> list[Event]:
    """An event and those of its customer that were recorded with it and after it, in order. Ids of
    one millisecond are in none."""
    row = ConsentEventRow
    query = select(row.__table__).where(
        row.customer_id == event.customer_id,
        row.id >= first_uuid_of(time_of(event.id)),
        row.recorded_at == event.recorded_at,
        row.revision >= event.revision,
    )
    return [event_of(found) for found in tx.execute(query.order_by(row.revision).limit(limit))]


def list_import_marks(
    tx: Connection, customer_ids: Sequence[CustomerId], purpose: str
) -> set[tuple[CustomerId, EventKind, Channel | None, datetime]]:
    """What tells imported events apart, of customers and a purpose."""
    row = ConsentEventRow
    query = select(row.customer_id, row.kind, row.channel, row.captured_at)
    imported = query.where(row.purpose == purpose, row.imported)
    return {
        (CustomerId(one.customer_id), EventKind(one.kind), _channel(one.channel), one.captured_at)
        for one in rows_among(tx, imported, row.customer_id, customer_ids)
    }


def find_records_at(tx: Connection, customer_id: CustomerId, at: datetime) -> list[Record]:
    """The records that were in force at an instant, as then known."""
    query = select(ConsentRecordRow.__table__).where(
        ConsentRecordRow.customer_id == customer_id,
        ConsentRecordRow.recorded_from <= at,
        or_(ConsentRecordRow.recorded_to.is_(None), ConsentRecordRow.recorded_to > at),
    )
    return [record_of(row) for row in tx.execute(query.order_by(ConsentRecordRow.revision))]


def replace_records(
    tx: Connection,
    ended: Iterable[Ended],
    made: Iterable[Made],
) -> None:
    """Ends records in force and adds others; each with when it stopped to count."""
    endings: dict[tuple[str, str, datetime], list[tuple[CustomerId, int]]] = {}
    for customer, record, at in ended:
        slot = (record.purpose, channel_text(record.channel), at)
        endings.setdefault(slot, []).append((customer, record.revision))
    row = ConsentRecordRow
    for (purpose, channel, at), which in endings.items():
        theirs = among_pairs(tx, (row.customer_id, row.revision), which)
        found = update(row).where(theirs, row.purpose == purpose, row.channel == channel)
        tx.execute(found.values(recorded_to=at))
    made = list(made)
    own: dict[str, list[Any]] = {
        "customer_id": [customer for customer, *_ in made],
        "revision": [record.revision for _, record, _ in made],
        "recorded_from": [record.recorded_from for _, record, _ in made],
        "recorded_to": [to for *_, to in made],
        "happened_at": [record.happened_at for _, record, _ in made],
        "event_id": [record.event_id for _, record, _ in made],
    }
    insert_each(tx, ConsentRecordRow, made, _alike_made, _values_made, own)


def _values_made(made: Made) -> dict[str, object]:
    return record_values(*made)


def _alike_made(made: Made) -> tuple[Any, ...]:
    """As `_alike`, of records."""
    r = made[1]
    return (r.purpose, id(r.channel), id(r.state), r.notice_version, r.by_guardian, r.direct,
            id(r.standing_no))  # fmt: skip


def count_given_under(tx: Connection, versions: Collection[tuple[str, str]]) -> int:
    """How many customers have a yes in force under one of these (purpose, notice version)."""
    if not versions:
        return 0
    given = or_(
        *(
            (ConsentRecordRow.purpose == purpose) & (ConsentRecordRow.notice_version == version)
            for purpose, version in versions
        )
    )
    query = select(func.count(ConsentRecordRow.customer_id.distinct())).where(
        given,
        ConsentRecordRow.recorded_to.is_(None),
        ConsentRecordRow.state == State.GIVEN.value,
    )
    return tx.scalar(query) or 0


def delete_customer(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes a customer's events and records."""
    for table in (ConsentRecordRow, ConsentEventRow):
        tx.execute(delete(table).where(table.customer_id.in_(customers)))


def record_of(row: Any) -> Record:
    """The record in a row."""
    return Record(
        row.purpose,
        _channel(row.channel),
        _STATES[row.state],
        row.happened_at,
        row.event_id,
        row.notice_version,
        row.by_guardian,
        row.direct,
        row.revision,
        row.recorded_from,
        None if row.standing_no is None else _STATES[row.standing_no],
    )


def event_of(row: Any) -> Event:
    """The event in a row."""
    return Event(
        row.id,
        CustomerId(row.customer_id),
        row.revision,
        row.purpose,
        _channel(row.channel),
        _KINDS[row.kind],
        row.happened_at,
        row.captured_at,
        row.recorded_at,
        row.notice_version,
        row.language,
        row.touchpoint,
        row.lifecycle_stage,
        Actor(ActorKind(row.actor_kind), row.actor_id),
        row.by_guardian,
        row.imported,
        row.proof,
    )


def event_values(event: Event) -> dict[str, object]:
    """The columns of an event."""
    return {
        "customer_id": event.customer_id,
        "id": event.id,
        "revision": event.revision,
        "purpose": event.purpose,
        "channel": channel_text(event.channel),
        "kind": str(event.kind),
        "happened_at": event.happened_at,
        "captured_at": event.captured_at,
        "recorded_at": event.recorded_at,
        "notice_version": event.notice_version,
        "language": event.language,
        "touchpoint": event.touchpoint,
        "lifecycle_stage": event.lifecycle_stage,
        "actor_kind": str(event.actor.kind),
        "actor_id": event.actor.id,
        "by_guardian": event.by_guardian,
        "imported": event.imported,
        "proof": event.proof,
    }


def record_values(
    customer_id: CustomerId, record: Record, to: datetime | None
) -> dict[str, object]:
    """The columns of a record."""
    return {
        "customer_id": customer_id,
        "purpose": record.purpose,
        "channel": channel_text(record.channel),
        "revision": record.revision,
        "recorded_from": record.recorded_from,
        "recorded_to": to,
        "state": str(record.state),
        "happened_at": record.happened_at,
        "event_id": record.event_id,
        "notice_version": record.notice_version,
        "by_guardian": record.by_guardian,
        "direct": record.direct,
        "standing_no": None if record.standing_no is None else str(record.standing_no),
    }


def _channel(text: str) -> Channel | None:
    return _CHANNELS[text]


def channel_text(channel: Channel | None) -> str:
    """As a column has it."""
    return "" if channel is None else str(channel)
