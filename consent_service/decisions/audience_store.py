"""What is known of many, as far as one question needs it."""

import sys
from array import array
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import aliased

from consent_service.catalogue.model import Channel, Purpose
from consent_service.consents.model import Record, State
from consent_service.consents.tables import ConsentRecordRow
from consent_service.customers.model import AgeBand, Facts
from consent_service.customers.tables import CustomerFactsRow, CustomerRow, IdentifierIndexRow
from consent_service.decisions.model import Person
from consent_service.kernel.ids import CustomerId
from consent_service.storage.joining import (
    AT_BITS,
    IDS,
    INDEXES,
    add_asked,
    clear_asked,
    drop_asked,
    make_asked,
    name_moment,
)
from consent_service.storage.many import rows_among
from consent_service.storage.prepared import Prepared
from consent_service.storage.unit_of_work import snapshot
from consent_service.suppressions.tables import CustomerSuppressionRow

_NEVER = datetime.min.replace(tzinfo=UTC)
_READ_AT_ONCE = 1_000
_READ = 6  # columns of a record
_NO_CHANNEL: ColumnElement[str] = literal_column("''")  # written out, for the index of no other
_NO_BYTES = text("''::bytea")


class Alike(Struct, frozen=True):
    """Rows whose people a decision cannot tell apart. `facts` is what it reads of them; `secrets`
    are theirs, of 16 bytes each; `marked` when an open mark stands beside them, of which the facts
    say nothing."""

    marked: bool
    facts: tuple[Any, ...]
    positions: Iterable[int]
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


class Gathering:
    """The store at one moment, which is told whom to look for, and then asked about all of them,
    again and again. Unknown ones, and those merged into others, are left out. For one thread, and
    to be closed. Raises: Unavailable."""

    def __init__(self, moment: str | None = None) -> None:
        """`moment` is that of another."""
        with ExitStack() as opened:
            self._tx = opened.enter_context(snapshot(moment))
            self._tx.execute(select(CustomerRow.customer_id).limit(1))  # the moment, on SQLite
            make_asked(self._tx)
            self._open = opened.pop_all()
        self._filled: set[Table] = set()

    def moment(self) -> str | None:
        """What has another see the store as it is here; None where no other can."""
        return name_moment(self._tx)

    def add(self, asked: Asked) -> None:
        """Has these looked for, too."""
        for table, keys in ((IDS, asked.ids), (INDEXES, asked.digests)):
            if keys.positions:
                add_asked(self._tx, table, keys.positions, keys.packed)
                self._filled.add(table)

    def answers(self, purpose: Purpose, channel: Channel | None) -> Iterator[Alike]:
        """What is known of them as far as one purpose and channel need it."""
        if self._filled:
            slots = _slots_of(self._tx, purpose, channel)
            yield from _alike(self._tx, _plain(_asked_in(self._filled), purpose, slots))
        clear_asked(self._tx)
        self._filled.clear()

    def close(self) -> None:
        """Forgets them."""
        with self._open:
            drop_asked(self._tx)


def person_of(facts_: tuple[Any, ...], purpose: Purpose, channel: Channel | None) -> Person:
    """What a decision reads of somebody who is not marked."""
    jurisdiction, band, restricted, gpc_since, *records = facts_
    facts = Facts(jurisdiction, None if band is None else AgeBand(band), restricted, gpc_since)
    said = [records[at : at + _READ] for at in range(0, len(records), _READ)]
    # Of no channel it may not have been read.
    slots = zip([None] if channel is None else [channel, None], said, strict=False)
    found = {
        (purpose.key, slot): _as_read(purpose.key, slot, columns)
        for slot, columns in slots
        if columns[0] is not None
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
        return _packed_by_store(tx, plain)
    return _packed_here(tx, plain)


def _packed_here(tx: Connection, plain: Select[Any]) -> Iterator[Alike]:
    """Rows stay as the driver has them, but for one of each kind."""
    compiled = Prepared(plain).compiled(tx.dialect)
    found: dict[tuple[Any, ...], tuple[array[int], bytearray]] = {}
    rows = tx.exec_driver_sql(compiled.text, tuple(compiled.parameters({})))
    for row in chain.from_iterable(rows.partitions(_READ_AT_ONCE)):
        part, at, secret, *same = row
        alike = found.get(key := tuple(same))
        if alike is None:
            alike = found[key] = array("i"), bytearray()
        alike[0].append(part << AT_BITS | at)
        alike[1].extend(secret)
    for key, (positions, secrets) in found.items():
        marked, *facts = compiled.row((None, None, secrets, *key))[3:]
        yield Alike(bool(marked), tuple(facts), positions, bytes(secrets))


def _packed_by_store(tx: Connection, plain: Select[Any]) -> Iterator[Alike]:
    part, at, secret, *same = plain.subquery().c
    packed = [func.string_agg(each, _NO_BYTES) for each in (func.int2send(at), secret)]
    # One at a time: the driver has all of what it is given in memory, twice.
    query = select(*packed, part, *same).group_by(part, *same)
    rows = tx.execute(query, execution_options={"stream_results": True, "yield_per": 1})
    for ats, secrets, of_part, marked, *facts in rows:
        positions = array("H", bytes(ats))
        if sys.byteorder == "little":
            positions.byteswap()
        first = int(of_part) << AT_BITS
        yield Alike(marked, tuple(facts), map(first.__add__, positions), bytes(secrets))


def _asked_in(filled: Container[Table]) -> FromClause:
    """Those who are asked about, all by id."""
    index = IdentifierIndexRow
    known = INDEXES.join(index.__table__, index.digest == INDEXES.c.key)
    found = select(INDEXES.c.part, INDEXES.c.at, index.customer_id.label("key")).select_from(known)
    queries = {IDS: select(IDS), INDEXES: found}
    return union_all(*[queries[table] for table in queries if table in filled]).subquery()


def _slots_of(
    tx: Connection, purpose: Purpose, channel: Channel | None
) -> list[ColumnElement[str]]:
    """The channels whose records count. A no to all channels is not looked for in everybody where
    nobody has said one."""
    if channel is None:
        return [_NO_CHANNEL]
    row = ConsentRecordRow
    said = select(row.customer_id).where(row.purpose == purpose.key, row.channel == _NO_CHANNEL)
    slots: list[ColumnElement[str]] = [literal(channel.value)]
    return slots if tx.execute(said.limit(1)).first() is None else [*slots, _NO_CHANNEL]


def _plain(
    asked: FromClause, purpose: Purpose, channels: Sequence[ColumnElement[str]]
) -> Select[Any]:
    """A time is read only where it can matter, so that those of whom the same holds look alike."""
    customer, facts, mark = CustomerRow, CustomerFactsRow, CustomerSuppressionRow
    customer_id = asked.c.key
    marks = select(mark.customer_id).where(mark.closed_at.is_(None)).distinct().subquery()
    slots = [aliased(ConsentRecordRow) for _ in channels]
    read = [
        asked.c.part,
        asked.c.at,
        customer.audience_secret,
        marks.c.customer_id.is_not(None),
        facts.jurisdiction,
        facts.age_band,
        facts.restricted,
        facts.gpc_since if purpose.sale_or_targeted_advertising else null(),
        *(column for slot in slots for column in _read_of(slot, purpose)),
    ]
    joined = (
        asked.join(customer.__table__, customer.customer_id == customer_id)
        .join(facts.__table__, (facts.customer_id == customer_id) & facts.recorded_to.is_(None))
        .outerjoin(marks, marks.c.customer_id == customer_id)
    )
    query = select(*(column.label(f"read_{n}") for n, column in enumerate(read))).select_from(
        joined
    )
    for slot, channel in zip(slots, channels, strict=True):
        query = query.outerjoin(
            slot,
            (slot.customer_id == customer_id)
            & (slot.purpose == purpose.key)
            & (slot.channel == channel)
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
