"""What is shown of an entry, and what makes a use a breach. No I/O."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.consents.model import AHEAD_TOLERATED
from consent_service.decisions.model import Outcome
from consent_service.kernel.clock import parse_rfc3339, rfc3339
from consent_service.kernel.ids import base32, base32_all
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


def item_of(entry: Entry, leaf_index: int | None, member: UUID | None = None) -> Item:
    """An entry as it is listed; `member` is the customer about whom a screening is told."""
    place, kind = base32(entry.place.int), entry.kind.value
    about = entry.place if entry.known else member
    return Item(
        _PREFIX[kind] + place + base32(entry.id.int),
        kind,
        None if about is None else "cus_" + base32(about.int),
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
        leaf_index,
    )


def items_of(rows: Sequence[Sequence[Any]]) -> list[Item]:
    """As `item_of`, of rows of `ledger.stream_entries`."""
    places, ids = (base32_all([row[at] for row in rows]) for at in (0, 1))
    return [Item(*_cells(*parts)) for parts in zip(places, ids, rows, strict=True)]


def _cells(place: str, made: str, row: Sequence[Any]) -> tuple[Any, ...]:
    kind, customer = row[3], "cus_" + place if row[2] else None
    return (_PREFIX[kind] + place + made, kind, customer, *_split(row[4:13]), *row[13:])


@lru_cache(maxsize=4096)
def _split(between: tuple[Any, ...]) -> tuple[Any, ...]:
    """From `client_id` to `catalogue_version`: one of few combinations."""
    return (*between[:3], tuple(between[3].split()), *between[4:])


class Breach(StrEnum):
    """Why a use was not what had been permitted."""

    NOT_PERMITTED = "breach_not_permitted"
    TOO_EARLY = "breach_too_early"
    EXPIRED = "breach_expired"
    RECIPIENT = "breach_recipient"
    CATEGORIES = "breach_categories"


class Use(Struct, frozen=True):
    """A use or sharing that happened, as it was reported."""

    data_categories: tuple[str, ...]
    recipient: str
    touchpoint: str
    occurred_at: datetime


class Statement(Struct, frozen=True):
    """What a decision said that a use rests on, as `decisions.get_entry` tells it."""

    outcome: str
    reason: str
    purpose: str | None
    channel: str | None
    data_categories: tuple[str, ...]
    recipient: str | None
    evaluated_at: str
    valid_until: str | None
    known: bool


def breach_of(use: Use, said: Statement) -> Breach | None:
    """Why the use is a breach; None when it was permitted as it happened. A clock that is slow is
    borne with as one that is fast."""
    if said.outcome != Outcome.PERMIT or said.valid_until is None:
        return Breach.NOT_PERMITTED
    if use.occurred_at + AHEAD_TOLERATED < parse_rfc3339(said.evaluated_at):
        return Breach.TOO_EARLY
    if use.occurred_at > parse_rfc3339(said.valid_until):
        return Breach.EXPIRED
    if use.recipient != said.recipient:
        return Breach.RECIPIENT
    if not set(use.data_categories) <= set(said.data_categories):
        return Breach.CATEGORIES
    return None
