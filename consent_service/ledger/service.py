"""Appending to the log and reading it."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from consent_service.crypto.envelope import (
    NONCE_LENGTH,
    Field,
    SealingKey,
    seal,
    seal_with,
    unseal,
)
from consent_service.kernel import paging
from consent_service.kernel.errors import Unavailable
from consent_service.kernel.ids import new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import batch_store, customer_store, store, tree_store
from consent_service.ledger.leaves import leaves_of
from consent_service.ledger.merkle import leaf_hash, root_of
from consent_service.ledger.model import Answer, Entry, EntryFilter, EntryKind, NotLogged
from consent_service.storage.direct import Door, Refused, direct
from consent_service.storage.unit_of_work import reading, unit_of_work

RETENTION = "retention_"

_SALT, _TOKEN = 32, 16
_SALTED = _SALT + _TOKEN
_CHANCE = _SALTED + NONCE_LENGTH
_encode = msgspec.json.encode


def sealed_entry(entry: Entry, payload: Mapping[str, Any], life: SealingKey) -> Entry:
    """The entry with its payload sealed under the customer's life key, and what its leaf will
    carry: the payload's commitment, and a 16-byte token."""
    return replace(entry, **sealed_parts(entry.place, entry.id, payload, life, *chances(1)))


def sealed_parts(
    place: UUID, entry_id: UUID, payload: Mapping[str, Any], life: SealingKey, chance: bytes
) -> dict[str, Any]:
    """What `sealed_entry` adds to an entry, for whoever makes many and copies none; of `chances`,
    each is for one of them."""
    salted = chance[:_SALT] + _encode(payload)
    return {
        "commitment": hashlib.sha256(salted).digest(),
        "token": chance[_SALT:_SALTED],
        "payload": seal_with(chance[_SALTED:], life, _field(place, entry_id), salted),
    }


def chances(count: int) -> list[bytes]:
    """Salt, token and nonce for so many entries: what is random costs by the call."""
    drawn = os.urandom(_CHANCE * count)
    return [drawn[at : at + _CHANCE] for at in range(0, len(drawn), _CHANCE)]


def committed_entry(entry: Entry, salt: bytes, payload: bytes) -> Entry:
    """An entry whose payload, about nobody alone, is kept by the room that appends it. `salt` is
    32 random bytes."""
    commitment = hashlib.sha256(salt + payload).digest()
    return replace(entry, commitment=commitment, token=os.urandom(_TOKEN))


def bare_entry(entry: Entry) -> Entry:
    """An entry without a payload: about nobody known, or about no customer at all."""
    return replace(entry, **bare_parts())


def bare_parts() -> dict[str, Any]:
    """What `bare_entry` adds to an entry."""
    return {"token": os.urandom(_TOKEN)}


def open_payload(entry: Entry, life: SealingKey) -> dict[str, Any]:
    """The payload in clear; empty for a bare entry. Raises: SealBroken."""
    if entry.payload is None:
        return {}
    opened: dict[str, Any] = json.loads(open_salted(entry, life)[_SALT:])
    return opened


def open_salted(entry: Entry, life: SealingKey) -> bytes:
    """Salt and payload, of which the commitment is, of an entry with any. Raises: SealBroken."""
    assert entry.payload is not None
    return unseal(life, _field(entry.place, entry.id), entry.payload)


def moved_entry(entry: Entry, old: SealingKey, place: UUID, life: SealingKey) -> Entry:
    """The entry as it is kept for another customer, of whose revisions it tells nothing; its leaf
    stays what it is."""
    entry = replace(entry, revision=None)
    if entry.payload is None:
        return replace(entry, place=place)
    payload = seal(life, _field(place, entry.id), open_salted(entry, old))
    return replace(entry, place=place, payload=payload)


def append(entries: Sequence[Entry]) -> None:
    """Adds entries, in the caller's unit of work if there is one. Raises: Unavailable."""
    with unit_of_work() as tx:
        store.add_entries(tx, entries)


def append_removals(gone: Mapping[str, int], now: datetime) -> None:
    """Logs, of nobody, how much of each kind was let go since its time was over, in the caller's
    unit of work. A kind may go on after a dot, as a field of a profile does: `profile_field.x`."""
    append([_removal(what, count, now) for what, count in gone.items() if count])


def _removal(what: str, count: int, now: datetime) -> Entry:
    entry_id, kind = new_uuid(), EntryKind.STAFF_ACT
    what, _, part = what.partition(".")
    entry = Entry(
        entry_id,
        entry_id,
        False,
        kind,
        now,
        now,
        data_categories=(part,) if part else (),
        reason=RETENTION + what,
        entries=count,
    )
    return bare_entry(entry)


def count_removed() -> dict[str, int]:
    """How much of each kind was let go, as far as the log still says so; of the log itself, by the
    kind of entry."""
    with reading() as tx:
        found = store.sum_entries(tx)
    return {_removed(*said): count for said, count in found.items()}


def _removed(reason: str, outcome: str | None, part: str) -> str:
    what = reason.removeprefix(RETENTION)
    return f"log: {outcome}" if outcome else f"{what}.{part}" if part else what


def append_batch(batch: Entry, answers: Sequence[Answer]) -> None:
    """Adds answers that were given together, and the entry whose leaf stands for all of them. They
    name it, and their ids follow its own: see `kernel.ids.new_uuids`. Raises: Unavailable."""
    hashes = list(map(leaf_hash, leaves_of(answers)))
    stands_for_all = Answer(batch, batch.id, batch.place, batch.token, root_of(hashes))
    with unit_of_work() as tx:
        store.add_answers(tx, [stands_for_all, *answers])
        batch_store.add_batch(tx, batch.id, b"".join(hashes))


def append_alone(entry: Entry, add: Callable[[Door, Entry], bool] | None = None) -> bool:
    """Adds one entry by one statement, durable when this returns; whether it is there, which `add`
    may make depend on something. Raises: NotLogged, whatever the store has against it."""
    try:
        with direct() as door:
            return (add or store.add_entry)(door, entry)
    except (Unavailable, Refused) as error:
        raise NotLogged() from error


def find_entry(place: UUID, entry_id: UUID) -> Entry | None:
    """One entry."""
    with reading() as connection:
        return store.find_entry(connection, place, entry_id)


def list_recipients(
    places: Sequence[UUID], purposes: Collection[str] | None = None
) -> list[tuple[UUID, str]]:
    """The recipients who were permitted to use, or did use, customers' data, for some purposes or
    all: customer, key."""
    with reading() as connection:
        return customer_store.list_recipients(connection, places, purposes)


def list_unsealed(places: Sequence[UUID]) -> set[UUID]:
    """Those of these customers about whom an entry has no leaf yet."""
    with reading() as connection:
        return tree_store.list_unsealed_of(connection, places)


def list_entries(wanted: EntryFilter, cursor: str | None, limit: int) -> Page[Entry]:
    """A page of entries, oldest first. Raises: Invalid for a cursor of another filter."""
    bound_to = bound(wanted)
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    found = list_after(wanted, after, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def list_after(wanted: EntryFilter, after: UUID | None, limit: int) -> list[Entry]:
    """The first entries after one, oldest first."""
    with reading() as connection:
        return store.list_entries(connection, wanted, after, limit)


def list_newest(wanted: EntryFilter, before: UUID | None, limit: int) -> list[Entry]:
    """The last entries before one, of a customer or of kinds that are few, the newest first."""
    with reading() as connection:
        return customer_store.list_newest(connection, wanted, before, limit)


def count_by_month(wanted: EntryFilter) -> list[tuple[str, EntryKind, str, int]]:
    """How many entries about a customer occurred in each month (`2026-01`, by UTC), by kind and
    outcome."""
    with reading() as connection:
        return customer_store.count_by_month(connection, wanted)


def list_cited(ids: Sequence[UUID]) -> set[UUID]:
    """The audiences among these on which a use rests."""
    with reading() as connection:
        return store.list_cited(connection, ids)


def bound(wanted: EntryFilter) -> str:
    """What a cursor is good for."""
    return repr(replace(wanted, kinds=None)) + repr(sorted(wanted.kinds or ()))


def _field(place: UUID, entry_id: UUID) -> Field:
    return Field("ledger_entry.payload", place, entry_id)


Rows = Iterator[Sequence[Any]]


def stream_entries(wanted: EntryFilter, cursor: str | None, at_once: int) -> Rows:
    """All entries of a filter, oldest first, in portions of what `store.list_as_text` gives. The
    first is read before this returns, and no connection is held between two.

    Raises: Invalid for a cursor of another filter; Unavailable, here and while it is walked.
    """
    bound_to = bound(wanted)
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    portions = _portions(wanted, after, at_once)
    return chain([next(portions)], portions)


def _portions(wanted: EntryFilter, after: UUID | None, at_once: int) -> Rows:
    while True:
        with reading() as connection:
            found = store.list_as_text(connection, wanted, after, at_once)
        yield found
        if len(found) < at_once:
            return
        after = UUID(found[-1].id)
