"""What the log holds about a customer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Unavailable
from consent_service.kernel.ids import CustomerId
from consent_service.kernel.paging import MAX_PAGE
from consent_service.ledger import store, tree_store
from consent_service.ledger.model import Entry, EntryFilter
from consent_service.ledger.service import list_after, moved_entry, open_payload

TABLES = ("ledger_entries",)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Every entry about the customer, payloads opened, as a stream: there may be very many. It is
    read when it is walked."""
    return {"ledger": (_exported(entry, keys) for entry in _stream(customer))}


def _stream(customer: CustomerId) -> Iterator[Entry]:
    wanted, after = EntryFilter(customer), None
    while found := list_after(wanted, after, MAX_PAGE):
        yield from found
        after = found[-1].id


def _exported(entry: Entry, keys: OpenKeys) -> dict[str, Any]:
    return {
        "kind": entry.kind.value,
        "occurred_at": rfc3339(entry.occurred_at),
        "purpose": entry.purpose,
        "channel": entry.channel,
        "data_categories": list(entry.data_categories),
        "recipient": entry.recipient,
        "touchpoint": entry.touchpoint,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "payload": open_payload(entry, keys.life),
    }


class NotSealedYet(Unavailable):
    """Entries without a leaf would go without a trace. The sealer takes a second."""

    code = "not_sealed_yet"
    detail = "What was logged last is not sealed yet. Try again in a second."


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """As `forget`."""
    forget(tx, customers)


def forget(tx: Connection, customers: Sequence[CustomerId]) -> Mapping[UUID, int]:
    """Removes the customers' entries; how many of each. Their leaves stay, and lead to nobody.
    What comes in meanwhile stays: the log is to say exactly how many went. Raises: NotSealedYet
    while one has no leaf."""
    held = tree_store.hold_entries(tx, customers)
    if not all(is_sealed for *_, is_sealed in held):
        raise NotSealedYet()
    tree_store.forget_entries(tx, customers, [entry_id for _, entry_id, _ in held])
    return Counter(customer for customer, *_ in held)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Makes the absorbed customer's entries the kept one's, payloads sealed anew. Content,
    salt and token stay, and with them the leaf."""
    entries = store.list_customer_entries(tx, absorbed.customer, held=True)
    store.delete_customer_entries(tx, [absorbed.customer])
    life, place = absorbed.keys.life, kept.customer
    store.add_entries(tx, [moved_entry(e, life, place, kept.keys.life) for e in entries])
