"""What finds a customer among the members of an audience."""

from consent_service.customers import store
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading


def list_audience_secrets(customer_id: CustomerId) -> list[bytes]:
    """The secrets (16 bytes each) of a customer and of whoever was merged into them."""
    with reading() as tx:
        return store.list_audience_secrets(tx, customer_id)
