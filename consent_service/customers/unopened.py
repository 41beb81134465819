"""Customers and identifiers as they are kept: found and listed without being opened."""

from collections.abc import Sequence
from uuid import UUID

from consent_service.customers import identifiers_store, store
from consent_service.customers.model import StoredIdentifier
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading


def find_indexed(digests: Sequence[bytes]) -> dict[bytes, tuple[CustomerId, UUID]]:
    """Who has which blind index: digest → customer, identifier."""
    with reading() as tx:
        return identifiers_store.find_owners(tx, digests)


def list_stored_identifiers(customer_ids: Sequence[CustomerId]) -> list[StoredIdentifier]:
    """The identifiers of customers, sealed as they are."""
    with reading() as tx:
        return identifiers_store.list_identifiers(tx, customer_ids)


def list_after(after: CustomerId | None, limit: int) -> list[CustomerId]:
    """Customers in order of id, after one."""
    with reading() as tx:
        return store.list_customers(tx, after, limit)
