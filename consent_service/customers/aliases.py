"""The ids that lead to customers."""

from collections.abc import Sequence

from consent_service.customers import store
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading


def list_ids(customer_ids: Sequence[CustomerId]) -> dict[CustomerId, list[CustomerId]]:
    """Every id that leads to each customer: their own first, then those merged into it."""
    found = {customer_id: [customer_id] for customer_id in customer_ids}
    with reading() as tx:
        for kept, merged in store.list_merged(tx, customer_ids):
            found[kept].append(merged)
    return found
