"""The one read behind a single check: prepared once, planned by the store once."""

from collections import namedtuple
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, Uuid, bindparam, func, literal, select

from consent_service.catalogue.tables import CatalogueRow
from consent_service.consents.store import record_of
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.envelope import Sealed
from consent_service.customers.store import facts_of
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
)
from consent_service.decisions.store import MARK, OF_CUSTOMER, RECORD, Gathered, in_force
from consent_service.storage.direct import Door, Prepared
from consent_service.suppressions.store import mark_of
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
    version, value, first = rows[0][0], rows[0][1], rows[0][2:]
    if first[0] is None:
        return One(version, None, None)
    found = _Gathering(*first[: len(OF_CUSTOMER)])
    gathered = Gathered(found.revision, facts_of(found), found.wrapped, {}, {})
    for row in rows:
        rest = row[2 + len(OF_CUSTOMER) :]
        record, mark = _RecordRow(*rest[: len(RECORD)]), _MarkRow(*rest[len(RECORD) :])
        if record.revision is not None:
            known = record_of(record)
            gathered.records[known.purpose, known.channel] = known
        if mark.id is not None:
            gathered.marks[mark.id] = mark_of(mark)
    return One(version, gathered, value)


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
            *OF_CUSTOMER,
            *RECORD,
            *MARK,
        )
        .select_from(nothing)
        .outerjoin(customer, customer.customer_id == named)
        .outerjoin(CustomerFactsRow, facts)
        .outerjoin(CustomerKeyRow, key)
        .outerjoin(value, asked_by)
        .outerjoin(ConsentRecordRow, of_purpose)
        .outerjoin(CustomerSuppressionRow, mark)
    )


def _row_type(name: str, columns: Iterable[Any]) -> Any:
    return namedtuple(name, [column.key for column in columns])


_Gathering = _row_type("_Gathering", OF_CUSTOMER)
_RecordRow = _row_type("_RecordRow", RECORD)
_MarkRow = _row_type("_MarkRow", MARK)
_ONE = Prepared(_one())
