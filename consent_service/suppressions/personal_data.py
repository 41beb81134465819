"""What the suppressions hold about a customer. Marks by blind index outlive them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.suppressions import store

TABLES = ("customer_suppressions",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """The marks on the customer's identifiers."""
    return {
        "suppressions": [
            {
                "reason": mark.reason.value,
                "channel": mark.channel,
                "identifier_type": mark.identifier_type.value,
                "happened_at": rfc3339(mark.happened_at),
                "recorded_at": rfc3339(mark.recorded_from),
                "closed_at": None if mark.closed_at is None else rfc3339(mark.closed_at),
            }
            for mark in store.list_of_customer(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes the projection; the marks themselves name nobody."""
    store.delete_projected(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves the marks: a no on either side holds."""
    marks = store.list_of_customer(tx, absorbed.customer)
    store.delete_projected(tx, [absorbed.customer])
    store.add_projected(tx, [(kept.customer, mark) for mark in marks])
