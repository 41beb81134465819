"""What this room holds about a customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.ids import CustomerId
from consent_service.preference_links import store

TABLES = ("unsubscribe_links",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Links are credentials; what somebody said by them is told as an event."""
    return {}


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Makes links useless: what they answer stays the same."""
    store.delete_customers(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """A link in an old mail still stops what it was made for."""
    store.move(tx, kept.customer, absorbed.customer)
