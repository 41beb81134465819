"""What this room holds about a customer: where they are signed in, links on their way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.accounts import store
from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId

TABLES = ("sessions", "sign_in_links")


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """When and with what the customer signed in. Links are credentials, minutes old."""
    return {
        "sign_ins": [
            {
                "signed_in_at": rfc3339(session.created_at),
                "last_seen_at": rfc3339(session.last_seen_at),
                "expires_at": rfc3339(session.expires_at),
                "browser": session.browser.value or None,
            }
            for session in store.list_customer_sessions(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Signs the customers out everywhere and makes links useless."""
    store.delete_customer_sessions(tx, customers)
    store.delete_customer_links(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """The absorbed customer signs in again: sessions and links end."""
    erase(tx, [absorbed.customer])
