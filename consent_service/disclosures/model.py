"""What is shown of an entry: its clear columns. No I/O."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import base32
from consent_service.ledger.model import Entry, EntryKind

KINDS = (EntryKind.DECISION, EntryKind.SCREENING, EntryKind.DISCLOSURE)

_PREFIX = {"decision": "dec_", "screening": "scr_", "disclosure": "dis_"}


class Item(Struct):
    """An entry as it is listed, in the order of the columns. Times are RFC 3339."""

    id: str
    kind: str
    customer_id: str | None
    client_id: str | None
    purpose: str | None
    channel: str | None
    data_categories: tuple[str, ...]
    recipient: str | None
    touchpoint: str | None
    outcome: str | None
    reason: str | None
    catalogue_version: int | None
    occurred_at: str
    recorded_at: str
    leaf_index: int | None


def item_of(entry: Entry) -> Item:
    """An entry as it is listed."""
    place, kind = base32(entry.place.int), entry.kind.value
    return Item(
        _PREFIX[kind] + place + base32(entry.id.int),
        kind,
        "cus_" + place if entry.known else None,
        entry.client_id,
        entry.purpose,
        entry.channel,
        entry.data_categories,
        entry.recipient,
        entry.touchpoint,
        entry.outcome,
        entry.reason,
        entry.catalogue_version,
        rfc3339(entry.occurred_at),
        rfc3339(entry.recorded_at),
        None,
    )


def items_of(rows: Iterable[Sequence[Any]]) -> list[Item]:
    """As `item_of`, of rows of `ledger.stream_entries`."""
    return [Item(*_cells(row)) for row in rows]


def _cells(row: Sequence[Any]) -> tuple[Any, ...]:
    place, kind = row[0], row[3]
    customer = "cus_" + place if row[2] else None
    return (_PREFIX[kind] + place + row[1], kind, customer, *_split(row[4:13]), *row[13:], None)


@lru_cache(maxsize=4096)
def _split(between: tuple[Any, ...]) -> tuple[Any, ...]:
    """From `client_id` to `catalogue_version`: one of few combinations."""
    return (*between[:3], tuple(between[3].split()), *between[4:])
