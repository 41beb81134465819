"""What the idempotency tables hold about a customer: answers given, for a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.ids import CustomerId
from consent_service.web import store

TABLES = ("idempotency_records",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Copies of answers; what they tell is exported by the rooms they came from."""
    return {}


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Forgets the answers."""
    store.delete_customer_records(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Forgets the answers about the absorbed customer: they name an id that is no more."""
    store.delete_customer_records(tx, [absorbed.customer])
