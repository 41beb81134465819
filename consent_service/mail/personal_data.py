"""What the outbox holds about a customer: letters that wait to be sent to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.mail import store
from consent_service.mail.service import open_letter, seal_letter

TABLES = ("mail_outbox",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """That letters wait. What they say is left out: it may be a key to the account."""
    return {
        "letters_waiting": [
            {
                "kind": each.kind,
                "created_at": rfc3339(each.created_at),
                "expires_at": rfc3339(each.expires_at),
            }
            for each in store.list_of_customer(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes the letters unsent."""
    store.delete_of_customer(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves the letters, sealed anew."""
    moved = []
    for each in store.list_of_customer(tx, absorbed.customer):
        letter = open_letter(each, absorbed.keys.life)
        sealed = seal_letter(letter, kept.customer, each.id, kept.keys.life)
        moved.append(replace(each, place=kept.customer, sealed=sealed))
    store.delete_of_customer(tx, [absorbed.customer])
    store.add(tx, moved)
