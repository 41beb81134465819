"""What this room holds about a customer: to whom of their requests was told what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.privacy_requests import service as requests
from consent_service.privacy_requests.model import outlives, request_id_text
from consent_service.recipients import store
from consent_service.webhooks import service as webhooks

TABLES = ("recipient_tasks",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Who was told of the customer's requests, and what they answered."""
    asked = {request.id: request for request in requests.list_of_customers([customer])}
    return {
        "recipients_told": [
            {
                "request": request_id_text(task.request_id),
                "recipient": task.recipient,
                "kind": task.kind.value,
                "told_at": rfc3339(task.told_at),
                "ended_at": None if task.ended_at is None else rfc3339(task.ended_at),
                "outcome": None if task.outcome is None else task.outcome.value,
            }
            for task in store.list_of(tx, list(asked))
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes them, but for those of an erasure under way, of which recipients are yet to know."""
    found = requests.list_of_customers(customers)
    going = [request.id for request in found if not outlives(request)]
    webhooks.forget_told([task.id for task in store.list_of(tx, going)])
    store.delete_of(tx, going)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """They belong to requests, which move; both ids lead to the customer there is now."""
