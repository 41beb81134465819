"""The one read behind a decision. It may look into lower rooms' tables, and writes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Label,
    Row,
    Select,
    Table,
    select,
)

from consent_service.catalogue.model import Channel
from consent_service.consents.model import Record
from consent_service.consents.store import record_of
from consent_service.consents.tables import ConsentRecordRow
from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import Facts, IdentifierType
from consent_service.customers.store import facts_of
from consent_service.customers.tables import (
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerKeyRow,
    CustomerRow,
)
from consent_service.kernel.ids import CustomerId
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
OF_CUSTOMER = (
    CustomerRow.customer_id,
    CustomerRow.revision,
    CustomerFactsRow.jurisdiction,
    CustomerFactsRow.age_band,
    CustomerFactsRow.restricted,
    CustomerFactsRow.gpc_since,
    CustomerKeyRow.wrapped,
)
RECORD, MARK = tuple(_records.columns), tuple(_marks.columns)
_FACTS = select(*OF_CUSTOMER, *_columns(_records, "record_"), *_columns(_marks, "mark_"))


def _query(customer_ids: Sequence[CustomerId], purposes: Collection[str]) -> Select[Any]:
    customer = CustomerRow
    facts, key, record, mark = in_force(customer.customer_id)
    of_purposes = record & ConsentRecordRow.purpose.in_(sorted(purposes))
    return (
        _FACTS.select_from(customer)
        .join(CustomerFactsRow, facts)
        .join(CustomerKeyRow, key)
        .outerjoin(ConsentRecordRow, of_purposes)
        .outerjoin(CustomerSuppressionRow, mark)
        .where(customer.customer_id.in_(customer_ids))
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
