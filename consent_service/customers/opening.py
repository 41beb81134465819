"""Many customers at once, opened with their keys."""

from collections.abc import Sequence

from msgspec import Struct

from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.keyring import Keyring
from consent_service.customers import identifiers_store, store
from consent_service.customers import keys as data_keys
from consent_service.customers.model import Customer, Identifier
from consent_service.customers.sealing import open_identifier, open_profile
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading


class OpenCustomer(Struct, frozen=True):
    """A customer, opened, and the keys that did it."""

    customer: Customer
    keys: OpenKeys


def open_customers(
    customer_ids: Sequence[CustomerId], keys: Keyring
) -> dict[CustomerId, OpenCustomer]:
    """Those of these customers who are there. Raises: NotFound when one has no keys."""
    with reading() as tx:
        records = store.find_customers(tx, customer_ids)
        stored = identifiers_store.list_identifiers(tx, list(records))
        opened = data_keys.open_many(list(records), keys)
    identifiers: dict[CustomerId, list[Identifier]] = {}
    for kept in stored:
        life = opened[kept.customer_id].life
        identifiers.setdefault(kept.customer_id, []).append(open_identifier(kept, life))
    return {
        customer_id: OpenCustomer(
            Customer(
                customer_id,
                record.revision,
                record.created_at,
                record.language,
                record.facts,
                tuple(identifiers.get(customer_id, ())),
                open_profile(customer_id, record.profile, opened[customer_id].life),
            ),
            opened[customer_id],
        )
        for customer_id, record in records.items()
    }
