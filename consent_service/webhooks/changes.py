"""The change feed: what happened, in the order in which the log was sealed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.kernel import paging
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import feed
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.webhooks import delivery_store, store
from consent_service.webhooks.events import ERASED, IN_FEED, Event, event_of, is_wanted, kinds_of
from consent_service.webhooks.model import CursorTooOld, field_of

_MOST = (1 << 63) - 1
_MOST_SECONDS = 1 << 37


class Changes(Struct, frozen=True):
    """A page of the feed. It always has a cursor, to go on from whenever there is more; `size` is
    how many leaves the log had."""

    items: list[Event]
    next_cursor: str
    more: bool
    size: int


def list_changes(
    wanted: Collection[str],
    cursor: str | None,
    limit: int,
    now: datetime,
    keys: Keyring,
    *,
    from_now: bool = False,
) -> Changes:
    """What follows a cursor, or all that is kept; with `from_now` nothing but a cursor. Looks at so
    many changes at most, of which those of the wanted types are told (none named: all).

    Raises: Invalid for a cursor of other types; CursorTooOld.
    """
    bound_to = " ".join(sorted(wanted))
    start = 0
    if cursor is not None:
        start, since = paging.read_cursor(cursor, bound_to, _position)
        if start > feed.find_size() or since < feed.kept_from(kinds_of(wanted or IN_FEED)):
            raise CursorTooOld()
    elif from_now:
        start = feed.find_size()
    found = feed.list_changes(start, limit)
    entries = [entry for _, entry in found.entries]
    seen = entries[-1].recorded_at if found.more and entries else now
    position = f"{found.until} {int(seen.timestamp())}"
    events = [
        each for each in tell_all(entries, keys) if not wanted or is_wanted(each.type, wanted)
    ]
    return Changes(events, paging.encode_cursor(position, bound_to), found.more, found.until)


def tell_all(entries: Sequence[Entry], keys: Keyring) -> list[Event]:
    """What is told of entries, in their order."""
    erased = _list_erased(entries, keys)
    told = (event_of(entry, erased.get(entry.id)) for entry in entries)
    return [each for each in told if each is not None]


def announce_erased(erased: Mapping[UUID, CustomerId], keys: Keyring) -> None:
    """Lets the feed say whom erasures were of, by their entries, which do not, until
    `forget_erased`. In the caller's unit of work."""
    sealed = {
        made: seal(keys.master, field_of("webhook.erased", made, made), customer.bytes)
        for made, customer in erased.items()
    }
    with unit_of_work() as tx:
        store.add_erased(tx, sealed)


def list_untold(entry_ids: Collection[UUID]) -> set[UUID]:
    """Those of these erasures that a webhook which wants to know is yet to be sent."""
    with reading() as tx:
        if not any(is_wanted(ERASED, hook.event_types) for hook in store.list_enabled(tx)):
            return set()
        waiting = delivery_store.list_waiting(tx, entry_ids)
        head = store.find_head(tx) or 0
    indexes = feed.find_indexes(entry_ids)
    return waiting | {each for each in entry_ids if indexes.get(each, head) >= head}


def forget_erased(entry_ids: Collection[UUID]) -> None:
    """From now on nothing here says whom erasures were of."""
    with unit_of_work() as tx:
        store.delete_erased(tx, entry_ids)


def _list_erased(entries: Sequence[Entry], keys: Keyring) -> dict[UUID, CustomerId]:
    erasures = [entry.id for entry in entries if entry.kind is EntryKind.ERASURE]
    with reading() as tx:
        sealed = store.find_erased(tx, erasures)
    return {
        made: CustomerId(
            UUID(
                bytes=unseal(
                    keys.master_by_id(sealed_under(kept)),
                    field_of("webhook.erased", made, made),
                    kept,
                )
            )
        )
        for made, kept in sealed.items()
    }


def _position(text: str) -> tuple[int, datetime]:
    index, _, seconds = text.partition(" ")
    if not (0 <= int(index) <= _MOST and 0 <= int(seconds) < _MOST_SECONDS):
        raise ValueError("no place in the log")
    return int(index), datetime.fromtimestamp(int(seconds), UTC)
