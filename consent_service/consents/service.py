"""Recording what people said, and telling what holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, Channel
from consent_service.consents import slots_store, store
from consent_service.consents.model import (
    EffectiveConsent,
    Event,
    EventKind,
    Record,
    State,
    check_touchpoint,
    effective,
)
from consent_service.consents.recording import Recorded, look_up, record_consent, record_consents
from consent_service.consents.slots import Slot
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import Facts
from consent_service.kernel import paging
from consent_service.kernel.actors import Actor
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.unit_of_work import reading, unit_of_work

__all__ = ["Recorded", "look_up", "record_consent", "record_consents"]  # of a file of their own

_TOGETHER = 1_000


def find_event(customer_id: CustomerId, event_id: UUID) -> Event | None:
    """One event, found by any id that leads to its customer."""
    with reading() as tx:
        return store.find_event(tx, customers.resolve(customer_id), event_id)


def get_event(customer_id: CustomerId, event_id: UUID) -> Event:
    """One event. Raises: NotFound."""
    event = find_event(customer_id, event_id)
    if event is None:
        raise NotFound()
    return event


def list_events(customer_id: CustomerId, cursor: str | None, limit: int) -> Page[Event]:
    """A customer's events, oldest recording first. Raises: NotFound, Invalid."""
    customer_id = customers.get_record(customer_id).id
    after = None
    if cursor is not None:
        after = paging.read_cursor(cursor, customer_id.hex, _position)
    with reading() as tx:
        found = store.list_events(tx, customer_id, after, limit + 1)
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, None)
    position = f"{items[-1].revision} {items[-1].id.hex}"
    return Page(items, paging.encode_cursor(position, customer_id.hex))


def list_history(
    customer_id: CustomerId, purpose: str, cursor: str | None, limit: int
) -> Page[Event]:
    """A customer's events of a purpose, the last recorded first. Raises: Invalid."""
    customer_id = customers.resolve(customer_id)
    bound_to = f"{customer_id.hex} {purpose}"
    before = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    with reading() as tx:
        found = store.list_newest_events(tx, customer_id, purpose, before, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def list_recorded_with(event: Event) -> list[Event]:
    """An event and those that were recorded with it."""
    with reading() as tx:
        return store.list_recorded_with(tx, event, _TOGETHER)


def _position(text: str) -> tuple[int, UUID]:
    revision, _, event = text.partition(" ")
    if not 0 <= int(revision) < 1 << 31:
        raise ValueError("not a revision")
    return int(revision), UUID(event)


def list_effective(
    customer_id: CustomerId, as_of: datetime | None, now: datetime
) -> list[EffectiveConsent]:
    """What holds, or held at `as_of` as then known, for every purpose and channel.

    Raises: NotFound, Invalid for a time to come.
    """
    if as_of is not None and as_of > now:
        raise Invalid.at("/as_of", "in_the_future", "A past moment.")
    customer = customers.get_record(customer_id)
    with reading() as tx:
        if as_of is None:
            catalogue = catalogues.current()
            facts: Facts | None = customer.facts
            records = list(slots_store.find_records(tx, [customer.id]).values())
        else:
            catalogue = catalogues.at(as_of)
            facts = customers.find_facts_at(customer.id, as_of)
            records = store.find_records_at(tx, customer.id, as_of)
    by_slot = {(record.purpose, record.channel): record for record in records}
    jurisdiction = None if facts is None else facts.jurisdiction
    return effective(catalogue, by_slot, jurisdiction, as_of or now)


def record_gpc(
    customer_id: CustomerId,
    captured_at: datetime,
    touchpoint: str,
    actor: Actor,
    now: datetime,
    keys: Keyring,
) -> tuple[CustomerId, int]:
    """Records a Global Privacy Control signal: an opt-out of sale and targeted advertising.
    The customer that the id leads to, and their revision. Raises: Invalid, NotFound."""
    with unit_of_work():
        check_touchpoint(touchpoint, catalogues.current(), "")
        resolved, revisions = customers.lock_resolved([customer_id])
        customer_id = resolved[customer_id]
        revision = revisions[customer_id] + 1
        customers.set_revisions({customer_id: revision})
        since = min(captured_at, now)
        customers.change_facts(
            customer_id,
            revision,
            lambda facts: replace(facts, gpc_since=min(since, facts.gpc_since or since)),
            now,
        )
        entry = Entry(
            new_uuid(),
            customer_id,
            True,
            EntryKind.CONSENT,
            since,
            now,
            client_id=actor.in_log,
            touchpoint=touchpoint,
            reason="gpc",
            revision=revision,
        )
        life = data_keys.open_keys(customer_id, keys).life
        payload = {"signal": "gpc", "captured_at": rfc3339(captured_at)}
        ledger.append([ledger.sealed_entry(entry, payload, life)])
    return customer_id, revision


def list_given(customer_ids: Sequence[CustomerId]) -> set[tuple[CustomerId, str]]:
    """For which purposes a yes of which of these customers is in force."""
    with reading() as tx:
        found = slots_store.find_records(tx, customer_ids)
    return {(who, what) for (who, what, _), record in found.items() if record.state is State.GIVEN}


def list_in_force(
    customer_ids: Sequence[CustomerId], purposes: Sequence[str]
) -> dict[Slot, Record]:
    """The records in force of customers, for some purposes."""
    with reading() as tx:
        return slots_store.find_records(tx, customer_ids, purposes)


def list_import_marks(
    customer_ids: Sequence[CustomerId], purpose: str
) -> set[tuple[CustomerId, EventKind, Channel | None, datetime]]:
    """What tells imported events apart: customer, kind, channel, captured at."""
    with reading() as tx:
        return store.list_import_marks(tx, customer_ids, purpose)


def count_to_ask_again(old: Catalogue, new: Catalogue) -> int:
    """How many customers have a yes that holds under `old` and would not under `new`."""
    lost = set()
    for purpose in new.purposes.values():
        before = old.purposes.get(purpose.key)
        if before is None:
            continue
        for notice in old.notices[before.notice]:
            was = old.is_outdated(before.notice, notice.version, new.recorded_from)
            is_ = new.is_outdated(purpose.notice, notice.version, new.recorded_from)
            if is_ and not was:
                lost.add((purpose.key, notice.version))
    with reading() as tx:
        return store.count_given_under(tx, lost)
