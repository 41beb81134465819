"""What is known of many, as far as one question needs it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, Select, exists, null, select
from sqlalchemy.orm import aliased

from consent_service.catalogue.model import Channel, Purpose
from consent_service.consents.model import Record, State
from consent_service.consents.tables import ConsentRecordRow
from consent_service.customers.model import AgeBand, Facts
from consent_service.customers.tables import CustomerFactsRow, CustomerRow
from consent_service.decisions.model import Person
from consent_service.kernel.ids import CustomerId
from consent_service.storage.many import rows_among
from consent_service.suppressions.tables import CustomerSuppressionRow

_NEVER = datetime.min.replace(tzinfo=UTC)


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
    found = rows_among(tx, _plain(purpose, channel), CustomerRow.customer_id, customer_ids)
    return [Plain(row[0], bytes(row[1]), bool(row[2]), tuple(row[3:])) for row in found]


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
    found = rows_among(tx, query, row.customer_id, customer_ids)
    return {CustomerId(each.customer_id): bytes(each.audience_secret) for each in found}


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
