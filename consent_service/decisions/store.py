"""The one read behind a decision. It may look into lower rooms' tables, and writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

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
from consent_service.suppressions import store as suppressions
from consent_service.suppressions.model import Suppression

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the store knows of a customer that a decision reads."""

    revision: int
    facts: Facts
    life: Sealed
    records: Mapping[tuple[str, Channel | None], Record]
    marks: tuple[Suppression, ...]


def gather(
    tx: Connection, customer_ids: Sequence[CustomerId], purposes: Collection[str]
) -> dict[CustomerId, Gathered]:
    """What is known of customers, as far as these purposes need it; unknown ones are left out."""
    found: dict[CustomerId, Gathered] = {}
    for at in range(0, len(customer_ids), _CHUNK):
        found |= _gather(tx, customer_ids[at : at + _CHUNK], purposes)
    return found


def list_addresses(
    tx: Connection, customer_id: CustomerId
) -> dict[IdentifierType, frozenset[UUID]]:
    """A customer's identifiers, by type."""
    query = select(CustomerIdentifierRow.type, CustomerIdentifierRow.id).where(
        CustomerIdentifierRow.customer_id == customer_id
    )
    found: dict[IdentifierType, frozenset[UUID]] = {}
    for row in tx.execute(query):
        kind = IdentifierType(row.type)
        found[kind] = found.get(kind, frozenset()) | {row.id}
    return found


def _gather(
    tx: Connection, customer_ids: Sequence[CustomerId], purposes: Collection[str]
) -> dict[CustomerId, Gathered]:
    records: dict[CustomerId, dict[tuple[str, Channel | None], Record]] = {}
    query = select(ConsentRecordRow.__table__).where(
        ConsentRecordRow.customer_id.in_(customer_ids),
        ConsentRecordRow.purpose.in_(sorted(purposes)),
        ConsentRecordRow.recorded_to.is_(None),
    )
    for row in tx.execute(query):
        record = record_of(row)
        slot = (record.purpose, record.channel)
        records.setdefault(CustomerId(row.customer_id), {})[slot] = record
    marks = suppressions.list_open_of_customers(tx, customer_ids)
    return {
        customer_id: Gathered(
            row.revision,
            facts_of(row),
            row.wrapped,
            records.get(customer_id, {}),
            tuple(marks.get(customer_id, ())),
        )
        for customer_id, row in (
            (CustomerId(row.customer_id), row) for row in tx.execute(_customers(customer_ids))
        )
    }


def _customers(customer_ids: Sequence[CustomerId]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            CustomerRow.customer_id,
            CustomerRow.revision,
            CustomerFactsRow.jurisdiction,
            CustomerFactsRow.age_band,
            CustomerFactsRow.restricted,
            CustomerFactsRow.gpc_since,
            CustomerKeyRow.wrapped,
        )
        .join(CustomerFactsRow, CustomerFactsRow.customer_id == CustomerRow.customer_id)
        .join(CustomerKeyRow, CustomerKeyRow.customer_id == CustomerRow.customer_id)
        .where(
            CustomerRow.customer_id.in_(customer_ids),
            CustomerFactsRow.recorded_to.is_(None),
            CustomerKeyRow.kind == DataKeyKind.LIFE.value,
        )
    )
