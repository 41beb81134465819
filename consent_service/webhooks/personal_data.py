"""What this room holds about a customer: that others were, or are to be, told of a change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.webhooks import delivery_store, service

TABLES = ("webhook_deliveries",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Which client was told of what kind of change, and when."""
    clients = {each.id: each.client_id for each in service.list_webhooks()}
    return {
        "told_by_webhook": [
            {
                "client": clients.get(each.webhook_id),
                "event_type": each.event_type,
                "state": each.state.value,
                "created_at": rfc3339(each.created_at),
            }
            for each in delivery_store.list_of_customer(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes the deliveries, sent or not."""
    delivery_store.delete_of_customers(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Makes the deliveries the kept customer's, as the log does with what they tell of."""
    delivery_store.move(tx, absorbed.customer, kept.customer)
