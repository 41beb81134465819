"""The one read behind a decision. It may look into lower rooms' tables, and writes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, Label, Row, Select, Table, exists, null, select
from sqlalchemy.orm import aliased

from consent_service.catalogue.model import Channel, Purpose
from consent_service.consents.model import Record, State
from consent_service.consents.store import record_of
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import AgeBand, Facts, IdentifierType
from consent_service.customers.store import facts_of
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
)
from consent_service.decisions.model import Person
from consent_service.kernel.ids import CustomerId
from consent_service.storage.many import among
from consent_service.suppressions.model import Suppression
from consent_service.suppressions.store import mark_of
from consent_service.suppressions.tables import CustomerSuppressionRow

_CHUNK = 500
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the store knows of a customer that a decision reads."""

    revision: int
    facts: Facts
    life: Sealed
    records: dict[tuple[str, Channel | None], Record]
    marks: dict[UUID, Suppression]


def gather(
    tx: Connection, customer_ids: Sequence[CustomerId], purposes: Collection[str]
) -> dict[CustomerId, Gathered]:
    """What is known of customers, as far as these purposes need it; unknown ones are left out.

    One statement for each chunk of them: what a decision rests on was all true at one moment.
    """
    found: dict[CustomerId, Gathered] = {}
    for at in range(0, len(customer_ids), _CHUNK):
        for row in tx.execute(_query(customer_ids[at : at + _CHUNK], purposes)):
            customer = CustomerId(row.customer_id)
            gathered = found.get(customer)
            if gathered is None:
                gathered = Gathered(row.revision, facts_of(row), row.wrapped, {}, {})
                found[customer] = gathered
            if row.record_revision is not None:
                record = record_of(_Part(row, "record_"))
                gathered.records[record.purpose, record.channel] = record
            if row.mark_id is not None:
                gathered.marks[row.mark_id] = mark_of(_Part(row, "mark_"))
    return found


class Plain(Struct, frozen=True):
    """A customer as far as an audience needs it. `facts` is what a decision reads of them, the
    same for everybody of whom it says the same; `marked` when an open mark stands beside them,
    of which it says nothing."""

    customer_id: CustomerId
    audience_secret: bytes
    marked: bool
    facts: tuple[Any, ...]


def gather_plain(
    tx: Connection, customer_ids: Sequence[CustomerId], purpose: Purpose, channel: Channel | None
) -> list[Plain]:
    """What is known of many customers as far as one purpose and channel need it, by one statement;
    unknown ones, and those merged into others, are left out."""
    query = _plain(purpose, channel).where(among(tx, CustomerRow.customer_id, customer_ids))
    return [
        Plain(CustomerId(row[0]), bytes(row[1]), bool(row[2]), tuple(row[3:]))
        for row in tx.execute(query)
    ]


def person_of(plain: Plain, purpose: Purpose, channel: Channel | None) -> Person:
    """What a decision reads of somebody who is not marked."""
    jurisdiction, band, restricted, gpc_since, *records = plain.facts
    facts = Facts(jurisdiction, None if band is None else AgeBand(band), restricted, gpc_since)
    slots: list[Channel | None] = [None] if channel is None else [channel, None]
    width = len(records) // len(slots)
    found = {
        (purpose.key, slot): _as_read(purpose.key, slot, records[at * width : (at + 1) * width])
        for at, slot in enumerate(slots)
        if records[at * width] is not None
    }
    return Person(facts, found)


def list_audience_secrets(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, bytes]:
    """What finds each of these customers among an audience's members."""
    row = CustomerRow
    query = select(row.customer_id, row.audience_secret)
    found = tx.execute(query.where(among(tx, row.customer_id, customer_ids)))
    return {CustomerId(each.customer_id): bytes(each.audience_secret) for each in found}


def list_addresses(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, dict[IdentifierType, frozenset[UUID]]]:
    """The identifiers of customers, by type."""
    found: dict[CustomerId, dict[IdentifierType, frozenset[UUID]]] = {}
    for at in range(0, len(customer_ids), _CHUNK):
        query = select(
            CustomerIdentifierRow.customer_id, CustomerIdentifierRow.type, CustomerIdentifierRow.id
        ).where(CustomerIdentifierRow.customer_id.in_(customer_ids[at : at + _CHUNK]))
        for row in tx.execute(query):
            kinds = found.setdefault(CustomerId(row.customer_id), {})
            kind = IdentifierType(row.type)
            kinds[kind] = kinds.get(kind, frozenset()) | {row.id}
    return found


class _Part:
    """The columns of one table in a row of several."""

    __slots__ = ("_prefix", "_row")

    def __init__(self, row: Row[Any], prefix: str) -> None:
        self._row, self._prefix = row, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, self._prefix + name)


def _columns(of: Table, prefix: str) -> list[Label[Any]]:
    return [column.label(prefix + column.name) for column in of.columns]


_records, _marks = ConsentRecordRow.__table__, CustomerSuppressionRow.__table__
assert isinstance(_records, Table)
assert isinstance(_marks, Table)
_FACTS = select(
    CustomerRow.customer_id,
    CustomerRow.revision,
    CustomerFactsRow.jurisdiction,
    CustomerFactsRow.age_band,
    CustomerFactsRow.restricted,
    CustomerFactsRow.gpc_since,
    CustomerKeyRow.wrapped,
    *_columns(_records, "record_"),
    *_columns(_marks, "mark_"),
)


def _query(customer_ids: Sequence[CustomerId], purposes: Collection[str]) -> Select[Any]:
    customer, facts, key = CustomerRow, CustomerFactsRow, CustomerKeyRow
    record, mark = ConsentRecordRow, CustomerSuppressionRow
    in_force = (
        (facts.customer_id == customer.customer_id) & facts.recorded_to.is_(None),
        (key.customer_id == customer.customer_id) & (key.kind == DataKeyKind.LIFE.value),
        (record.customer_id == customer.customer_id)
        & record.purpose.in_(sorted(purposes))
        & record.recorded_to.is_(None),
        (mark.customer_id == customer.customer_id) & mark.closed_at.is_(None),
    )
    return (
        _FACTS.select_from(customer)
        .join(facts, in_force[0])
        .join(key, in_force[1])
        .outerjoin(record, in_force[2])
        .outerjoin(mark, in_force[3])
        .where(customer.customer_id.in_(customer_ids))
    )


def _plain(purpose: Purpose, channel: Channel | None) -> Select[Any]:
    """A time is read only where it can matter, so that those of whom the same holds look alike."""
    customer, facts, mark = CustomerRow, CustomerFactsRow, CustomerSuppressionRow
    marked = exists().where(mark.customer_id == customer.customer_id, mark.closed_at.is_(None))
    slots = [aliased(ConsentRecordRow) for _ in ([None] if channel is None else [channel, None])]
    query = select(
        customer.customer_id,
        customer.audience_secret,
        marked,
        facts.jurisdiction,
        facts.age_band,
        facts.restricted,
        facts.gpc_since if purpose.sale_or_targeted_advertising else null(),
        *(column for slot in slots for column in _read_of(slot, purpose)),
    ).join(facts, (facts.customer_id == customer.customer_id) & facts.recorded_to.is_(None))
    names = [""] if channel is None else [channel.value, ""]
    for slot, name in zip(slots, names, strict=True):
        query = query.outerjoin(
            slot,
            (slot.customer_id == customer.customer_id)
            & (slot.purpose == purpose.key)
            & (slot.channel == name)
            & slot.recorded_to.is_(None),
        )
    return query


def _read_of(slot: type[ConsentRecordRow], purpose: Purpose) -> list[Any]:
    when = slot.happened_at if purpose.validity_days is not None else null()
    return [slot.state, when, slot.notice_version, slot.by_guardian, slot.direct, slot.standing_no]


def _as_read(purpose: str, channel: Channel | None, columns: Sequence[Any]) -> Record:
    """A record with what a decision reads of it; the rest is blank."""
    state, happened_at, notice_version, by_guardian, direct, standing_no = columns
    return Record(
        purpose,
        channel,
        State(state),
        happened_at or _NEVER,
        UUID(int=0),
        notice_version,
        by_guardian,
        direct,
        0,
        _NEVER,
        None if standing_no is None else State(standing_no),
    )
