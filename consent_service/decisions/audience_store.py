"""What is known of many, as far as one question needs it."""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, FromClause, Select, func, null, select, text
from sqlalchemy.orm import aliased

from consent_service.catalogue.model import Channel, Purpose
from consent_service.consents.model import Record, State
from consent_service.consents.tables import ConsentRecordRow
from consent_service.customers.model import AgeBand, Facts
from consent_service.customers.tables import CustomerFactsRow, CustomerRow, IdentifierIndexRow
from consent_service.decisions.model import Person
from consent_service.kernel.ids import CustomerId
from consent_service.storage.joining import drop_asked, ids_asked, indexes_asked
from consent_service.storage.many import rows_among
from consent_service.storage.unit_of_work import snapshot
from consent_service.suppressions.tables import CustomerSuppressionRow

_NEVER = datetime.min.replace(tzinfo=UTC)
_FEW_BITS = 15
_NO_BYTES = text("''::bytea")


class Alike(Struct, frozen=True):
    """Rows whose people a decision cannot tell apart. `facts` is what it reads of them; `secrets`
    are theirs, of 16 bytes each; `marked` when an open mark stands beside them, of which the facts
    say nothing."""

    marked: bool
    facts: tuple[Any, ...]
    positions: Sequence[int]
    secrets: bytes


class Keys:
    """What finds people, packed, each with the position of its row."""

    def __init__(self) -> None:
        self.positions = array("i")
        self.packed = bytearray()

    def add(self, positions: Iterable[int], packed: bytes) -> None:
        """Adds some, all of one width."""
        self.positions.extend(positions)
        self.packed += packed


class Asked:
    """Those who are asked about: by id, and by blind index."""

    def __init__(self) -> None:
        self.ids, self.digests = Keys(), Keys()


def gather_plain(asked: Asked, purpose: Purpose, channel: Channel | None) -> list[Alike]:
    """What is known of many customers as far as one purpose and channel need it; unknown ones, and
    those merged into others, are left out. All of it was true at one moment."""
    found: list[Alike] = []
    with snapshot() as tx:
        if asked.ids.positions:
            ids = ids_asked(tx, asked.ids.positions, asked.ids.packed)
            found += _alike(tx, _plain(ids, ids.c.at, ids.c.key, purpose, channel))
            drop_asked(tx, ids)
        if asked.digests.positions:
            theirs = indexes_asked(tx, asked.digests.positions, asked.digests.packed)
            index = IdentifierIndexRow.__table__
            known = theirs.join(index, index.c.digest == theirs.c.key)
            query = _plain(known, theirs.c.at, index.c.customer_id, purpose, channel)
            found += _alike(tx, query)
            drop_asked(tx, theirs)
    return found


def person_of(facts_: tuple[Any, ...], purpose: Purpose, channel: Channel | None) -> Person:
    """What a decision reads of somebody who is not marked."""
    jurisdiction, band, restricted, gpc_since, *records = facts_
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


def _alike(tx: Connection, plain: Select[Any]) -> Iterator[Alike]:
    if tx.dialect.name == "postgresql":
        rows = plain.subquery()
        at, secret, *same = rows.c
        packed = [func.string_agg(part, _NO_BYTES) for part in (func.int4send(at), secret)]
        # A few at a time: the driver has all of what it is given in memory, twice.
        few = select(*packed, *same).group_by(at.op(">>")(_FEW_BITS), *same)
        for some in tx.execute(few, execution_options={"stream_results": True, "yield_per": 8}):
            positions = array("i", bytes(some[0]))
            if sys.byteorder == "little":
                positions.byteswap()
            yield Alike(some[2], tuple(some[3:]), positions, bytes(some[1]))
        return
    found: dict[tuple[Any, ...], tuple[array[int], bytearray]] = {}
    for row in tx.execute(plain):
        positions, secrets = found.setdefault(tuple(row[2:]), (array("i"), bytearray()))
        positions.append(row[0])
        secrets += row[1]
    for (marked, *facts), (positions, secrets) in found.items():
        yield Alike(bool(marked), tuple(facts), positions, bytes(secrets))


def _plain(
    source: FromClause, at: Any, customer_id: Any, purpose: Purpose, channel: Channel | None
) -> Select[Any]:
    """A time is read only where it can matter, so that those of whom the same holds look alike."""
    customer, facts, mark = CustomerRow, CustomerFactsRow, CustomerSuppressionRow
    marks = select(mark.customer_id).where(mark.closed_at.is_(None)).distinct().subquery()
    slots = [aliased(ConsentRecordRow) for _ in ([None] if channel is None else [channel, None])]
    read = [
        at,
        customer.audience_secret,
        marks.c.customer_id.is_not(None),
        facts.jurisdiction,
        facts.age_band,
        facts.restricted,
        facts.gpc_since if purpose.sale_or_targeted_advertising else null(),
        *(column for slot in slots for column in _read_of(slot, purpose)),
    ]
    joined = (
        source.join(customer.__table__, customer.customer_id == customer_id)
        .join(facts.__table__, (facts.customer_id == customer_id) & facts.recorded_to.is_(None))
        .outerjoin(marks, marks.c.customer_id == customer_id)
    )
    names = [""] if channel is None else [channel.value, ""]
    query = select(*(column.label(f"read_{n}") for n, column in enumerate(read))).select_from(
        joined
    )
    for slot, name in zip(slots, names, strict=True):
        query = query.outerjoin(
            slot,
            (slot.customer_id == customer_id)
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
