"""The one read behind a decision. It may look into lower rooms' tables, and writes nothing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, defstruct
from sqlalchemy import ColumnElement, Connection, Select, func, select

from consent_service.catalogue.model import Channel
from consent_service.consents.model import Record
from consent_service.consents.store import record_of
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import Facts, IdentifierType
from consent_service.customers.store import facts_from
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
)
from consent_service.kernel.ids import CustomerId
from consent_service.storage.many import OneOf, QuickRowsAmong, RowsAmong, rows_among
from consent_service.suppressions.model import Suppression
from consent_service.suppressions.store import mark_of
from consent_service.suppressions.tables import CustomerSuppressionRow


class Gathered(Struct, frozen=True, gc=False):
    """What the store knows of a customer that a decision reads."""

    revision: int
    facts: Facts
    life: Sealed
    records: dict[tuple[str, Channel | None], Record]
    marks: dict[UUID, Suppression]


def gather(
    tx: Connection, customer_ids: Collection[CustomerId], purposes: Collection[str]
) -> dict[CustomerId, Gathered]:
    """What is known of customers, as far as these purposes need it; unknown ones are left out.

    One statement: what they rest on was all true at one moment.
    """
    found: dict[CustomerId, Gathered] = {}
    for row in _gathering.as_lists(tx, customer_ids, purposes):
        take(row, found)
    return found


def take(row: Sequence[Any], found: dict[CustomerId, Gathered]) -> None:
    """Adds what a row of `FACTS` says: of a customer there is one for each record and mark."""
    gathered = found.get(row[0])
    if gathered is None:
        customer_id, revision, *facts, wrapped = row[:_RECORD_AT]
        gathered = Gathered(revision, facts_from(*facts), wrapped, {}, {})
        found[customer_id] = gathered
    if row[_RECORD_AT] is not None:
        known = record_of(_Record(*row[_RECORD_AT:_MARK_AT]))
        gathered.records[known.purpose, known.channel] = known
    if row[_MARK_AT] is not None:
        mark = _Mark(*row[_MARK_AT:])
        gathered.marks[mark.id] = mark_of(mark)


def are_there(tx: Connection, customer_ids: Collection[UUID]) -> bool:
    """Whether all of these are customers."""
    there: int = sum(count for (count,) in _counting(tx, customer_ids))
    return there == len(customer_ids)


def list_addresses(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, dict[IdentifierType, frozenset[UUID]]]:
    """The identifiers of customers, by type."""
    found: dict[CustomerId, dict[IdentifierType, frozenset[UUID]]] = {}
    row = CustomerIdentifierRow
    query = select(row.customer_id, row.type, row.id)
    for one in rows_among(tx, query, row.customer_id, customer_ids):
        kinds = found.setdefault(CustomerId(one.customer_id), {})
        kind = IdentifierType(one.type)
        kinds[kind] = kinds.get(kind, frozenset()) | {one.id}
    return found


_OF_CUSTOMER = (
    CustomerRow.customer_id,
    CustomerRow.revision,
    CustomerFactsRow.jurisdiction,
    CustomerFactsRow.age_band,
    CustomerFactsRow.restricted,
    CustomerFactsRow.gpc_since,
    CustomerKeyRow.wrapped,
)
_SAID_BY_THE_JOIN = ("customer_id", "recorded_to")
_records = [c for c in ConsentRecordRow.__table__.columns if c.name not in _SAID_BY_THE_JOIN]
_marks = [c for c in CustomerSuppressionRow.__table__.columns if c.name not in _SAID_BY_THE_JOIN]
FACTS = (*_OF_CUSTOMER, *_records, *_marks)
_RECORD_AT = len(_OF_CUSTOMER)
_MARK_AT = _RECORD_AT + len(_records)


def _row_type(name: str, columns: Iterable[Any]) -> Any:
    return defstruct(name, [column.key for column in columns], frozen=True)


_Record = _row_type("_Record", _records)
_Mark = _row_type("_Mark", _marks)


def _gather(among: ColumnElement[bool], one_of: OneOf) -> Select[Any]:
    customer = CustomerRow
    facts, key, record, mark = in_force(customer.customer_id)
    of_purposes = record & one_of(ConsentRecordRow.purpose)
    return (
        select(*FACTS)
        .select_from(customer)
        .join(CustomerFactsRow, facts)
        .join(CustomerKeyRow, key)
        .outerjoin(ConsentRecordRow, of_purposes)
        .outerjoin(CustomerSuppressionRow, mark)
        .where(among)
    )


def in_force(customer_id: Any) -> tuple[Any, Any, Any, Any]:
    """What joins a customer's facts, life key, records and marks, as they count now."""
    facts, key = CustomerFactsRow, CustomerKeyRow
    record, mark = ConsentRecordRow, CustomerSuppressionRow
    return (
        (facts.customer_id == customer_id) & facts.recorded_to.is_(None),
        (key.customer_id == customer_id) & (key.kind == DataKeyKind.LIFE.value),
        (record.customer_id == customer_id) & record.recorded_to.is_(None),
        (mark.customer_id == customer_id) & mark.closed_at.is_(None),
    )


_gathering = QuickRowsAmong(CustomerRow.customer_id, _gather)
_counting = RowsAmong(
    CustomerRow.customer_id, lambda among: select(func.count(CustomerRow.customer_id)).where(among)
)
