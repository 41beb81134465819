"""What the OAuth tables hold about a customer: tokens issued for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.ids import CustomerId
from consent_service.oauth import store

TABLES = ("access_tokens",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Tokens are credentials, minutes old; none is exported."""
    return {}


def erase(tx: Connection, customer: CustomerId) -> None:
    """Ends the customer's tokens."""
    store.delete_customer_tokens(tx, customer)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """The absorbed customer signs in again: their tokens end."""
    store.delete_customer_tokens(tx, absorbed.customer)
