"""What a batch of rows changes, given what is known. Pure, but that a plan notes in `Known` what
it adds, so that a later row, or a later batch of a dry run, sees it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from consent_service.catalogue.model import Channel, Purpose
from consent_service.consents.model import EventKind, NewEvent, recorded_kind
from consent_service.customers.model import (
    Identifier,
    NewCustomer,
    Particulars,
    ProfileValue,
)
from consent_service.imports.model import Said
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.suppressions.model import Reason, Suppression, find_same


@dataclass(slots=True, eq=False)
class Person:
    """What is known of somebody. `customer_id` None: not here yet. Events are the imported ones
    of the purpose and channel, by kind as recorded and time. Tuples, since a dry run keeps many."""

    customer_id: CustomerId | None = None
    phones: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()
    events: tuple[tuple[EventKind, datetime], ...] = ()


@dataclass(slots=True)
class Known:
    """What bears on a batch. `people` and `marks` are by e-mail address, `customers` those of
    the people who are here; `phones` are numbers that somebody has; `erased` are addresses that
    nobody has any more, of people who were erased."""

    people: dict[str, Person] = field(default_factory=dict)
    customers: dict[CustomerId, Person] = field(default_factory=dict)
    phones: set[str] = field(default_factory=set)
    marks: dict[str, list[Suppression]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Addition:
    """What rows add to a person: one who is new, or one who is completed."""

    jurisdiction: str | None = None
    identifiers: list[Identifier] = field(default_factory=list)
    profile: dict[str, ProfileValue] = field(default_factory=dict)

    def as_new(self) -> NewCustomer:
        """A customer to create."""
        return NewCustomer(tuple(self.identifiers), self.profile, self.jurisdiction)

    def as_particulars(self) -> Particulars:
        """What to complete a customer with."""
        return Particulars(self.identifiers, self.profile)


@dataclass(slots=True)
class Plan:
    """What to do. `unchanged` counts rows that say nothing new, `erased` those about people who
    were erased."""

    created: dict[Person, Addition] = field(default_factory=dict)
    completed: dict[Person, Addition] = field(default_factory=dict)
    events: list[tuple[Person, NewEvent, EventKind]] = field(default_factory=list)
    marks: list[tuple[Identifier, Reason, Channel | None, datetime]] = field(default_factory=list)
    unchanged: int = 0
    erased: int = 0
    phones_unreadable: int = 0
    phones_of_another: int = 0


def plan_batch(batch: Iterable[Said], known: Known, purpose: Purpose, now: datetime) -> Plan:
    """What these rows change, in their order."""
    plan = Plan()
    for said in batch:
        if said.email.value in known.erased:
            plan.erased += 1
            continue
        added = _add_person(said, known, plan)
        recorded = _add_event(said, known, purpose, plan)
        marked = _add_mark(said, known, now, plan)
        plan.unchanged += not (added or recorded or marked)
    return plan


def _add_person(said: Said, known: Known, plan: Plan) -> bool:
    person = known.people.get(said.email.value)
    if person is None:
        person = known.people[said.email.value] = Person()
        plan.created[person] = Addition(said.jurisdiction, [said.email])
        _complete(said, person, known, plan, plan.created[person])
        return True
    addition = plan.created.get(person) or plan.completed.get(person) or Addition()
    if not _complete(said, person, known, plan, addition):
        return False
    if person not in plan.created:
        plan.completed[person] = addition
    return True


def _complete(said: Said, person: Person, known: Known, plan: Plan, addition: Addition) -> bool:
    """Adds to `addition` what the person lacks; whether there was anything."""
    fresh = {name: v for name, v in said.profile.items() if name not in person.profile}
    if fresh:
        person.profile += tuple(fresh)
        addition.profile.update(fresh)
    plan.phones_unreadable += said.phone_unreadable
    phone = said.phone
    if phone is None or phone.value in person.phones:
        return bool(fresh)
    if phone.value in known.phones:
        plan.phones_of_another += 1
        return bool(fresh)
    known.phones.add(phone.value)
    person.phones += (phone.value,)
    addition.identifiers.append(phone)
    return True


def _add_event(said: Said, known: Known, purpose: Purpose, plan: Plan) -> bool:
    event = said.event
    if event is None:
        return False
    person = known.people[said.email.value]
    kind = recorded_kind(event, purpose)
    if (kind, event.captured_at) in person.events:
        return False
    person.events += ((kind, event.captured_at),)
    plan.events.append((person, event, kind))
    return True


def _add_mark(said: Said, known: Known, now: datetime, plan: Plan) -> bool:
    if said.mark is None:
        return False
    reason, channel, happened_at = said.mark
    have = known.marks.setdefault(said.email.value, [])
    if find_same(have, reason, channel, happened_at) is not None:
        return False
    have.append(Suppression(new_uuid(), reason, channel, said.email.type, happened_at, now))
    plan.marks.append((said.email, reason, channel, happened_at))
    return True
