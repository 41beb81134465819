"""The one read behind a single check: prepared once, planned by the store once."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, Uuid, bindparam, exists, func, literal, select

from consent_service.catalogue.tables import CatalogueRow
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.envelope import Sealed
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
)
from consent_service.decisions.store import FACTS, Gathered, in_force, take
from consent_service.kernel.ids import CustomerId
from consent_service.ledger.model import Entry
from consent_service.ledger.store import add_entry_while, adding_while
from consent_service.storage.direct import Door, Prepared
from consent_service.suppressions.tables import CustomerSuppressionRow


class One(Struct, frozen=True):
    """What is known of one customer, and the catalogue version in force when it was read.
    `gathered` is None when there is nobody of that id; `value` is the sealed identifier that was
    asked by, if it is theirs."""

    catalogue_version: int | None
    gathered: Gathered | None
    value: Sealed | None


def gather_one(
    door: Door, customer_id: UUID, purpose: str, identifier_id: UUID | None = None
) -> One:
    """As `gather`, of one customer for one purpose, by one statement that needs no planning."""
    rows = door.rows(
        _ONE, customer=customer_id, purpose=purpose, identifier=identifier_id or customer_id
    )
    version, value, known = rows[0][0], rows[0][1], rows[0][2]
    if known is None:
        return One(version, None, None)
    found: dict[CustomerId, Gathered] = {}
    for row in rows:
        take(row[2:], found)
    return One(version, found[known], value)


def _one() -> Select[Any]:
    """Always a row, so that the catalogue's version comes with it."""
    customer, named = CustomerRow, bindparam("customer", type_=Uuid())
    facts, key, record, mark = in_force(customer.customer_id)
    of_purpose = record & (ConsentRecordRow.purpose == bindparam("purpose"))
    value = CustomerIdentifierRow
    asked_by = (value.customer_id == customer.customer_id) & (value.id == bindparam("identifier"))
    nothing = select(literal(1).label("one")).subquery()
    return (
        select(
            select(func.max(CatalogueRow.version)).scalar_subquery(),
            value.value,
            *FACTS,
        )
        .select_from(nothing)
        .outerjoin(customer, customer.customer_id == named)
        .outerjoin(CustomerFactsRow, facts)
        .outerjoin(CustomerKeyRow, key)
        .outerjoin(value, asked_by)
        .outerjoin(ConsentRecordRow, of_purpose)
        .outerjoin(CustomerSuppressionRow, mark)
    )


_ONE = Prepared(_one())
_STILL_THERE = exists().where(CustomerRow.customer_id == bindparam("customer_id", type_=Uuid()))
_ADD = adding_while(_STILL_THERE)


def add_while_there(door: Door, entry: Entry) -> bool:
    """Appends an entry about a customer. False, and nothing, when they were erased or merged since
    they were read."""
    return add_entry_while(door, _ADD, entry)
