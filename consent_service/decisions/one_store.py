"""The one read of a single check: who calls, and what is known of whoever they ask about. Prepared
once, planned by the store once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import LargeBinary, Select, Uuid, bindparam, exists, func, select

from consent_service.catalogue.tables import CatalogueRow
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import IdentifierType
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
    IdentifierIndexRow,
)
from consent_service.decisions.store import FACTS, Gathered, in_force, take
from consent_service.kernel.ids import CustomerId
from consent_service.ledger.model import Entry
from consent_service.ledger.store import add_entry_while, adding_while
from consent_service.oauth.model import Caller
from consent_service.oauth.store import CALLER, IS_LIVE, caller_of
from consent_service.oauth.tables import AccessTokenRow
from consent_service.storage.direct import Door
from consent_service.storage.prepared import Along, Prepared
from consent_service.suppressions.tables import CustomerSuppressionRow

_FACTS_AT = 1 + len(CALLER)
_FACTS_END = _FACTS_AT + len(FACTS)


class Found(Struct, frozen=True):
    """Who calls, the catalogue's version in force, and what is known of one customer for one
    purpose: nothing when nobody has that id or blind index. `identifier` is what the blind index
    stands for, its id and sealed value."""

    caller: Caller
    purpose: str
    catalogue_version: int | None
    customer_id: CustomerId | None
    gathered: Gathered | None
    identifier: tuple[UUID, Sealed] | None


def find(
    door: Door, token: bytes, now: datetime, purpose: str, named: CustomerId | bytes
) -> Found | None:
    """What is known of the customer of an id, or of a blind index (32 bytes), for one purpose, all
    true at one moment. None when `token`, a SHA-256, is of no live access token."""
    statement = _BY_INDEX if isinstance(named, bytes) else _BY_ID
    rows = door.rows(statement, token=token, now=now, purpose=purpose, named=named)
    if not rows:
        return None
    first, known = rows[0], rows[0][_FACTS_AT]
    found: dict[CustomerId, Gathered] = {}
    if known is not None:
        for row in rows:
            take(row[_FACTS_AT:_FACTS_END], found)
    caller, named_by = caller_of(*first[1:_FACTS_AT]), first[_FACTS_END:]
    identifier = (named_by[0], named_by[1]) if named_by and named_by[1] is not None else None
    return Found(caller, purpose, first[0], known, found.get(known), identifier)


def list_addresses(door: Door, customer_id: CustomerId) -> dict[IdentifierType, frozenset[UUID]]:
    """The ids of a customer's identifiers, by type."""
    found: dict[IdentifierType, frozenset[UUID]] = {}
    for kind, identifier_id in door.rows(_ADDRESSES, of=customer_id):
        of_kind = IdentifierType(kind)
        found[of_kind] = found.get(of_kind, frozenset()) | {identifier_id}
    return found


def _reading(*identifier: Any) -> Select[Any]:
    return select(
        select(func.max(CatalogueRow.version)).scalar_subquery(), *CALLER, *FACTS, *identifier
    )


def _with_facts(query: Any, customer_id: Any) -> Prepared:
    """Always a row for a live token, so that who calls comes with what is known, or without."""
    facts, key, record, mark = in_force(customer_id)
    of_purpose = record & (ConsentRecordRow.purpose == bindparam("purpose"))
    return Prepared(
        query.outerjoin(CustomerFactsRow, facts)
        .outerjoin(CustomerKeyRow, key)
        .outerjoin(ConsentRecordRow, of_purpose)
        .outerjoin(CustomerSuppressionRow, mark)
        .where(IS_LIVE),
        Along.READING,
    )


_id = bindparam("named", type_=Uuid())
_BY_ID = _with_facts(
    _reading().select_from(AccessTokenRow).outerjoin(CustomerRow, CustomerRow.customer_id == _id),
    _id,
)
_index, _value = IdentifierIndexRow, CustomerIdentifierRow
_BY_INDEX = _with_facts(
    _reading(_index.identifier_id, _value.value)
    .select_from(AccessTokenRow)
    .outerjoin(_index, _index.digest == bindparam("named", type_=LargeBinary()))
    .outerjoin(CustomerRow, CustomerRow.customer_id == _index.customer_id)
    .outerjoin(
        _value, (_value.customer_id == _index.customer_id) & (_value.id == _index.identifier_id)
    ),
    CustomerRow.customer_id,
)
_ADDRESSES = Prepared(
    select(_value.type, _value.id).where(_value.customer_id == bindparam("of", type_=Uuid())),
    Along.READING,
)
_STILL_THERE = exists().where(CustomerRow.customer_id == bindparam("customer_id", type_=Uuid()))
_ADD = adding_while(_STILL_THERE)


def add_while_there(door: Door, entry: Entry) -> bool:
    """Appends an entry about a customer. False, and nothing, when they were erased or merged since
    they were read."""
    return add_entry_while(door, _ADD, entry)
