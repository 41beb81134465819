"""The one read and the one write behind a single event: prepared once, planned by the store once.

Nothing is locked in between. Whatever changes what is read here raises the customer's revision, and
the write is carried out only at the revision that was read.
"""

from collections import namedtuple
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Uuid,
    bindparam,
    func,
    join,
    select,
)
from sqlalchemy.orm import aliased

from consent_service.catalogue.tables import CatalogueRow
from consent_service.consents.model import Event, Record
from consent_service.consents.slots import Slot, Slots
from consent_service.consents.slots_store import latest
from consent_service.consents.store import (
    channel_text,
    event_of,
    event_values,
    record_of,
    record_values,
)
from consent_service.consents.tables import ConfirmationRow, ConsentEventRow, ConsentRecordRow
from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import Sealed
from consent_service.customers.tables import (
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
    IdentifierIndexRow,
)
from consent_service.kernel.ids import CustomerId
from consent_service.ledger.model import Entry
from consent_service.ledger.store import entry_values
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.oauth.model import Caller
from consent_service.oauth.store import CALLER, IS_LIVE, caller_of
from consent_service.oauth.tables import AccessTokenRow
from consent_service.storage.db import Base
from consent_service.storage.direct import Door
from consent_service.storage.prepared import Along, Prepared
from consent_service.storage.together import Adding, Changing, Together
from consent_service.storage.types import UtcDateTime


class One(Struct, frozen=True):
    """What is known of one customer for one purpose, and the catalogue version in force then.
    `last` is when the last of their events for it happened; `identifier` is what the blind index
    that they were found by stands for, its id and sealed value."""

    customer_id: CustomerId
    purpose: str
    catalogue_version: int
    revision: int
    life: Sealed
    proof: Sealed
    last: datetime | None
    records: dict[Slot, Record]
    identifier: tuple[UUID, Sealed] | None


def find(
    door: Door, token: bytes, now: datetime, purpose: str, named: CustomerId | bytes
) -> tuple[Caller, One | None] | None:
    """Who calls, and what an event needs of the customer of an id, or of a blind index (32 bytes),
    all true at one moment. None when `token`, a SHA-256, is of no live access token."""
    statement = _BY_INDEX if isinstance(named, bytes) else _BY_ID
    rows = door.rows(statement, token=token, now=now, purpose=purpose, named=named)
    if not rows:
        return None
    caller, known = caller_of(*rows[0][:_KNOWN_AT]), rows[0][_KNOWN_AT:_RECORD_AT]
    if None in known[:-1]:  # nobody, or no catalogue
        return caller, None
    customer_id, version, revision, life, proof, last = known
    records = {}
    for row in rows:
        if row[_RECORD_AT] is not None:
            record = record_of(_Record(*row[_RECORD_AT:_RECORD_END]))
            records[customer_id, purpose, record.channel] = record
    identifier = tuple(rows[0][_RECORD_END:]) or None
    return caller, One(
        customer_id, purpose, version, revision, life, proof, last, records, identifier
    )


def list_latest(door: Door, customer_id: CustomerId, purpose: str) -> list[Event]:
    """The events of a customer that can matter to a record, for one purpose."""
    rows = door.rows(_LATEST, customer_id=customer_id, purpose=purpose)
    return [event_of(_Event(*row)) for row in rows]


def add_one(
    door: Door,
    revision: int,
    event: Event,
    slots: Slots,
    entry: Entry,
    *,
    confirm: bool,
) -> bool:
    """Adds an event, what comes of it and its entry, if the customer is still at a revision. False,
    and nothing, when they have changed meanwhile, or are gone. Raises: Unavailable, Refused."""
    ended, made = slots.ended(), slots.made()
    values: dict[str, object] = {**event_values(event), "revision_was": revision}
    values |= _called("entry_", LedgerEntryRow, entry_values(entry))
    for at, (_, record, since) in enumerate(ended):
        values[f"ended_{at}_channel"] = channel_text(record.channel)
        values[f"ended_{at}_revision"] = record.revision
        values[f"ended_{at}_recorded_to"] = since
    for at, (customer_id, record, until) in enumerate(made):
        said = record_values(customer_id, record, until)
        values |= _called(f"made_{at}_", ConsentRecordRow, said)
    if confirm:
        values |= {"waiting_event_id": event.id, "waiting_asked_at": event.recorded_at}
    return _adding(len(ended), len(made), confirm).carry_out(door, **values)


# What event, records and entry have in common, and is sent once.
_SHARED = frozenset({"customer_id", "purpose", "revision", "recorded_at", "touchpoint"})


def _called(prefix: str, of: type[Base], values: dict[str, object]) -> dict[str, object]:
    return {called: values[name] for name, called in _names(prefix, of)}


@lru_cache(maxsize=64)
def _names(prefix: str, of: type[Base]) -> list[tuple[str, str]]:
    names = [column.name for column in of.__table__.columns]
    return [(name, prefix + name) for name in names if name not in _SHARED]


@lru_cache(maxsize=64)
def _adding(ended: int, made: int, confirm: bool) -> Together:  # a key of the cache
    """The writes of an event that ends and makes so many records."""
    customer, whose = CustomerRow, bindparam("customer_id", type_=Uuid())
    was = customer.revision == bindparam("revision_was", type_=Integer())
    raised = {"revision": bindparam("revision", type_=Integer())}
    return Together(
        Changing(customer, (customer.customer_id == whose) & was, raised),
        [
            Adding(ConsentEventRow, ""),
            *[_ending(f"ended_{at}_") for at in range(ended)],
            *[Adding(ConsentRecordRow, f"made_{at}_", _SHARED) for at in range(made)],
            *[Adding(ConfirmationRow, "waiting_", _SHARED) for _ in range(confirm)],
            Adding(LedgerEntryRow, "entry_", _SHARED),
        ],
    )


def _ending(prefix: str) -> Changing:
    row = ConsentRecordRow
    slot = _of_purpose(row) & (row.channel == bindparam(prefix + "channel"))
    record = slot & (row.revision == bindparam(prefix + "revision")) & row.recorded_to.is_(None)
    until = bindparam(prefix + "recorded_to", type_=UtcDateTime())
    return Changing(row, record, {"recorded_to": until})


def _of_purpose(row: Any) -> ColumnElement[bool]:
    whose = row.customer_id == bindparam("customer_id", type_=Uuid())
    found: ColumnElement[bool] = whose & (row.purpose == bindparam("purpose"))
    return found


def _reading(customers: Any, *identifier: Any) -> Prepared:
    """Always a row for a live token, so that who calls comes with what is known, or without."""
    customer, record, event = CustomerRow, ConsentRecordRow, ConsentEventRow
    life, proof = aliased(CustomerKeyRow), aliased(CustomerKeyRow)
    of_purpose: Any = bindparam("purpose")
    whose = customer.customer_id
    theirs = (event.customer_id == whose) & (event.purpose == of_purpose)
    in_force = (record.purpose == of_purpose) & record.recorded_to.is_(None)
    query: Select[Any] = select(
        *CALLER,
        whose,
        select(func.max(CatalogueRow.version)).scalar_subquery(),
        customer.revision,
        life.wrapped,
        proof.wrapped,
        select(func.max(event.happened_at)).where(theirs).correlate(customer).scalar_subquery(),
        *record.__table__.columns,
        *identifier,
    )
    return Prepared(
        query.select_from(customers)
        .outerjoin(life, (life.customer_id == whose) & (life.kind == DataKeyKind.LIFE.value))
        .outerjoin(proof, (proof.customer_id == whose) & (proof.kind == DataKeyKind.PROOF.value))
        .outerjoin(record, (record.customer_id == whose) & in_force)
        .where(IS_LIVE),
        Along.READING,
    )


def _row_type(name: str, columns: Iterable[Any]) -> Any:
    return namedtuple(name, [column.key for column in columns])


_KNOWN_AT = len(CALLER)
_RECORD_AT = _KNOWN_AT + 6
_RECORD_END = _RECORD_AT + len(ConsentRecordRow.__table__.columns)
_index, _value = IdentifierIndexRow, CustomerIdentifierRow
_BY_ID = _reading(
    join(
        AccessTokenRow,
        CustomerRow,
        CustomerRow.customer_id == bindparam("named", type_=Uuid()),
        isouter=True,
    )
)
_BY_INDEX = _reading(
    join(
        AccessTokenRow,
        _index,
        _index.digest == bindparam("named", type_=LargeBinary()),
        isouter=True,
    )
    .outerjoin(CustomerRow, CustomerRow.customer_id == _index.customer_id)
    .outerjoin(
        _value, (_value.customer_id == _index.customer_id) & (_value.id == _index.identifier_id)
    ),
    _index.identifier_id,
    _value.value,
)
_Record = _row_type("_Record", ConsentRecordRow.__table__.columns)
_latest = latest(_of_purpose(ConsentEventRow))
_LATEST = Prepared(_latest)
_Event = _row_type("_Event", _latest.selected_columns)
