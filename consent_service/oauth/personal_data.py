"""What the OAuth tables hold about a customer: what they allowed, and tokens issued for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.oauth import grant_store as store

TABLES = ("access_tokens", "authorization_codes", "customer_grants", "refresh_tokens")


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """The apps that the customer allowed. Codes and tokens are credentials; none is exported."""
    return {
        "allowed_apps": [
            {
                "client_id": grant.client_id,
                "scopes": sorted(grant.scopes),
                "allowed_at": rfc3339(grant.allowed_at),
                "expires_at": rfc3339(grant.expires_at),
                "last_used_at": _time(grant.last_used_at),
                "ended_at": _time(grant.ended_at),
            }
            for grant in store.list_grants(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Ends the customers' tokens. The grants go first: a token that is being made holds its
    grant, so what comes after finds it."""
    store.delete_grants(tx, customers)
    store.delete_all(tx, customers=customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """The absorbed customer signs in again: their tokens end, and so does what they allowed. It
    moves as ended where the kept customer allowed the same client nothing."""
    moved = store.list_grants(tx, absorbed.customer)
    erase(tx, [absorbed.customer])
    for grant in moved:
        if store.find_grant(tx, kept.customer, grant.client_id) is None:
            ended = grant.ended_at or now
            store.put_grant(tx, replace(grant, customer_id=kept.customer, ended_at=ended))


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
