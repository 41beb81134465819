"""Recording what people said.

A single event takes one read and one write, which is carried out only if nobody changed its
customer in between (`one_store`). Many, and what that did not do, are recorded under the locks of
their customers. What events make is told the same way for both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, Purpose
from consent_service.consents import confirming_store, one_store, slots_store, store
from consent_service.consents.model import (
    Event,
    EventKind,
    NewEvent,
    State,
    channels_of,
    check_event,
)
from consent_service.consents.one_store import One
from consent_service.consents.sealing import make_entry, make_event, proves
from consent_service.consents.slots import Slots, is_told, to_weigh
from consent_service.crypto.data_keys import DataKeyKind, OpenKeys, unwrap
from consent_service.crypto.envelope import SealingKey
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.identifiers import is_value, newest_probe
from consent_service.customers.model import Identifier
from consent_service.kernel.actors import Actor
from consent_service.kernel.ids import CustomerId, new_uuids
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, NotLogged
from consent_service.oauth.model import Caller, digest
from consent_service.storage.direct import Refused, direct
from consent_service.storage.unit_of_work import unit_of_work

_NOBODY: Mapping[CustomerId, OpenKeys] = MappingProxyType({})


class Recorded(Struct, frozen=True, gc=False):
    """What came of an event. `state` is what now holds: a yes wherever one is left."""

    event: Event
    state: State


class _Person(Struct):
    """A customer whom events are about: who, the revision of theirs that was found and the one
    that they are at by now, and their open keys; the proof key where it is needed."""

    id: CustomerId
    found_at: int
    revision: int
    life: SealingKey
    proof: SealingKey | None = None


_Whose = Mapping[CustomerId | Identifier, _Person]


def look_up(
    token: str, named: CustomerId | Identifier, purpose: str, now: datetime, keys: Keyring
) -> tuple[Caller, One | None] | None:
    """Whom a live access token belongs to, and what an event will need of whoever it names, by one
    read. Nothing of it is for anybody before the caller's right to it is looked at."""
    asked = named if isinstance(named, UUID) else newest_probe(named, keys)
    with direct() as door:
        return one_store.find(door, digest(token), now, purpose, asked)


def record_consent(
    event: NewEvent, actor: Actor, now: datetime, keys: Keyring, one: One | None = None
) -> Recorded:
    """Records one event; `one` is what was looked up for it within the same request. A device that
    nobody has is a new customer. Raises: Invalid, NotFound."""
    done = None if one is None else _record_one(one, event, actor, now, keys)
    return done or _record([event], [""], actor, now, keys)[0]


def record_consents(
    events: Sequence[NewEvent],
    actor: Actor,
    now: datetime,
    keys: Keyring,
    fresh: Mapping[CustomerId, OpenKeys] = _NOBODY,
) -> list[Recorded]:
    """Records events, all or none, in their order. `fresh` are customers whom the caller's unit
    of work has created, with their open keys: of them nothing needs to be looked up.

    Raises: Invalid, NotFound.
    """
    pointers = [f"/events/{at}" for at in range(len(events))]
    return _record(events, pointers, actor, now, keys, fresh)


def _record_one(
    one: One, new: NewEvent, actor: Actor, now: datetime, keys: Keyring
) -> Recorded | None:
    """None, and nothing recorded, where something else was looked up, or has changed since."""
    whose = _whose(one, new, keys)
    if whose is None:
        return None
    catalogue = catalogues.by_version(one.catalogue_version)
    purpose = check_event(new, catalogue, now, "")
    event, entry_id, person = _make([new], [purpose], whose, actor, now)[0]
    place = (one.customer_id, one.purpose)
    with direct() as door:
        last = {} if one.last is None else {place: one.last}
        to_read = to_weigh([event], last, one.records)
        events = {place: one_store.list_latest(door, *place) for place in to_read}
        slots = Slots(one.records, events)
        recorded, entry = _apply(
            event, entry_id, purpose, slots, catalogue, person, *ledger.chances(1)
        )
        confirm = _is_to_confirm(event)
        try:
            done = one_store.add_one(door, one.revision, event, slots, entry, confirm=confirm)
        except Refused as error:
            raise NotLogged() from error
    return recorded if done else None


def _whose(one: One, new: NewEvent, keys: Keyring) -> _Whose | None:
    """None where it is not about whom, and for what, was looked up."""
    customer_id, who = one.customer_id, new.who
    if new.purpose != one.purpose:
        return None
    life = unwrap(keys, DataKeyKind.LIFE, customer_id, one.life)
    if isinstance(who, UUID):
        if who != customer_id:
            return None
    elif one.identifier is None or not is_value(
        who, (customer_id, one.identifier[0]), one.identifier[1], life
    ):
        return None
    person = _Person(customer_id, one.revision, one.revision, life)
    if proves(new):
        person.proof = unwrap(keys, DataKeyKind.PROOF, customer_id, one.proof)
    return {who: person}


def _record(
    events: Sequence[NewEvent],
    pointers: Sequence[str],
    actor: Actor,
    now: datetime,
    keys: Keyring,
    fresh: Mapping[CustomerId, OpenKeys] = _NOBODY,
) -> list[Recorded]:
    with unit_of_work() as tx:
        identifiers = [event.who for event in events if isinstance(event.who, Identifier)]
        owners = customers.get_or_create_owners(identifiers, now, keys)
        catalogue = catalogues.current()
        purposes = [
            check_event(event, catalogue, now, pointer)
            for event, pointer in zip(events, pointers, strict=True)
        ]
        whose = _lock(events, owners, keys, fresh)
        made = _make(events, purposes, whose, actor, now)
        recorded = [event for event, *_ in made]
        slots = _slots(tx, recorded, purposes, fresh)
        done = [
            _apply(event, entry_id, purpose, slots, catalogue, person, chance)
            for (event, entry_id, person), purpose, chance in zip(
                made, purposes, ledger.chances(len(made)), strict=True
            )
        ]
        customers.raise_revisions({p.id: p.revision - p.found_at for p in whose.values()})
        store.add_events(tx, recorded)
        store.replace_records(tx, slots.ended(), slots.made())
        to_confirm = [(e.customer_id, e.id) for e in recorded if _is_to_confirm(e)]
        confirming_store.add_waiting(tx, to_confirm, now)
        ledger.append([entry for _, entry in done])
    return [each for each, _ in done]


def _apply(
    event: Event,
    entry_id: UUID,
    purpose: Purpose,
    slots: Slots,
    catalogue: Catalogue,
    person: _Person,
    chance: bytes,
) -> tuple[Recorded, Entry]:
    """What comes of an event, and what the log says of it."""
    state = slots.apply(event, channels_of(event, purpose))
    entry = make_entry(entry_id, event, state, catalogue, person.life, chance)
    return Recorded(event, state), entry


def _is_to_confirm(event: Event) -> bool:
    """Whether it is a yes to which a letter with a link goes: not one that another system tells
    of."""
    return event.kind is EventKind.REQUESTED and not event.imported


def _lock(
    events: Sequence[NewEvent],
    owners: Mapping[Identifier, CustomerId],
    keys: Keyring,
    fresh: Mapping[CustomerId, OpenKeys],
) -> _Whose:
    """Locks those whom events are about. Raises: NotFound."""
    named = {e.who if isinstance(e.who, UUID) else owners[e.who] for e in events}
    resolved, revisions = customers.lock_resolved(list(named - fresh.keys()))
    life = data_keys.open_life(list(revisions), keys)
    people = {one: _Person(one, at, at, life[one]) for one, at in revisions.items()}
    whose: dict[CustomerId | Identifier, _Person]
    whose = {one: people[kept] for one, kept in resolved.items()}
    first = customers.FIRST_REVISION
    for one in fresh.keys() & named:
        whose[one] = _Person(one, first, first, fresh[one].life, fresh[one].proof)
    whose.update((identifier, whose[owner]) for identifier, owner in owners.items())
    proving = {p.id: p for e in events if proves(e) for p in (whose[e.who],) if p.proof is None}
    for one, opened in data_keys.open_many(list(proving), keys).items():
        proving[one].proof = opened.proof
    return whose


def _make(
    events: Sequence[NewEvent],
    purposes: Sequence[Purpose],
    whose: _Whose,
    actor: Actor,
    now: datetime,
) -> list[tuple[Event, UUID, _Person]]:
    """The events to record, each at a revision of its own, with the ids of their entries."""
    made, ids = [], iter(new_uuids(2 * len(events)))
    for new, purpose in zip(events, purposes, strict=True):
        person = whose[new.who]
        person.revision += 1
        event = make_event(
            next(ids), new, purpose, person.id, person.revision, actor, now, person.proof
        )
        made.append((event, next(ids), person))
    return made


def _slots(
    tx: Connection,
    events: Sequence[Event],
    of: Sequence[Purpose],
    fresh: Mapping[CustomerId, OpenKeys],
) -> Slots:
    """The records of locked customers, and the earlier events that are to be weighed. Where there
    is no record there are no events either."""
    known = {event.customer_id for event in events} - fresh.keys()
    purposes = {event.purpose for event in events}
    records = slots_store.find_records(tx, known, purposes)
    with_events = {customer_id for customer_id, *_ in records}
    untold = {
        event.customer_id
        for event, purpose in zip(events, of, strict=True)
        if not is_told(event, channels_of(event, purpose), records)
    }
    last = slots_store.list_last(tx, untold & with_events, purposes)
    places = to_weigh(events, last, records)
    to_read = {customer_id for customer_id, _ in places} & with_events
    earlier = slots_store.list_latest_events(tx, to_read, purposes)
    return Slots(records, {place: earlier.get(place, []) for place in places})
