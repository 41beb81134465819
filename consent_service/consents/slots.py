"""The records of the customers at hand while events are applied to them, one after another."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from consent_service.catalogue.model import Channel
from consent_service.consents.model import Event, Record, State
from consent_service.consents.projection import (
    apply_event,
    changed,
    is_told_by,
    latest_of_each,
    project,
    says_no_again,
    speaks_last,
)
from consent_service.kernel.ids import CustomerId

_MANY = 50

Slot = tuple[CustomerId, str, Channel | None]
Place = tuple[CustomerId, str]
Ended = tuple[CustomerId, Record, datetime]
Made = tuple[CustomerId, Record, datetime | None]


def to_weigh(
    events: Iterable[Event], last: Mapping[Place, datetime], records: Mapping[Slot, Record]
) -> set[Place]:
    """For which customers and purposes it takes earlier events to tell what these, in their order,
    make of `records`. `last` is when the last of the earlier ones happened; of those whose
    events are all `is_told` it need not say."""
    latest, found = dict(last), set()
    for event in events:
        place = (event.customer_id, event.purpose)
        before = latest.get(place)
        if speaks_last(event, before):
            latest[place] = event.happened_at
        elif not says_no_again(event, before, records.get((*place, None))):
            found.add(place)
    return found


def is_told(
    event: Event, channels: Iterable[Channel | None], records: Mapping[Slot, Record]
) -> bool:
    """Whether the records of the channels that an event bears on tell what comes of it."""
    place = (event.customer_id, event.purpose)
    of_all = records.get((*place, None))
    return all(is_told_by(records.get((*place, each)), of_all, event) for each in channels)


class _Slot(Struct):
    """What is stored of a slot, what holds there now, and what was made in between: each record
    with when a later one ended it."""

    stored: Record | None = None
    now: Record | None = None
    made: list[tuple[Record, datetime | None]] = []


class Slots:
    """`records` are those in force, `events` what they rest on, by customer and purpose: of those
    that there is nothing `to_weigh` for, none."""

    def __init__(
        self, records: Mapping[Slot, Record], events: Mapping[Place, Sequence[Event]]
    ) -> None:
        self._slots = {slot: _Slot(record, record) for slot, record in records.items()}
        self._events = {place: list(known) for place, known in events.items()}

    def apply(self, event: Event, channels: Iterable[Channel | None]) -> State:
        """Applies an event to the channels it bears on; what then holds there: a yes wherever
        one is left."""
        known: Sequence[Event] = ()
        if self._events:
            known = self._events.get((event.customer_id, event.purpose), ())
        states = []
        for channel in channels:
            slot = self._of((event.customer_id, event.purpose, channel))
            _put(slot, apply_event(slot.now, event, channel, known))
            assert slot.now is not None  # an event that changes nothing found something
            states.append(slot.now.state)
        if isinstance(known, list):
            known.append(event)
            if len(known) > _MANY:
                known[:] = latest_of_each(known)
        return State.GIVEN if State.GIVEN in states else states[0]

    def reproject(self, slot: Slot, revision: int, now: datetime) -> None:
        """Brings a record in line with the events."""
        customer_id, purpose, channel = slot
        projected = project(self._events.get((customer_id, purpose), ()), channel)
        found = self._of(slot)
        _put(found, changed(found.now, projected, revision, now))

    def ended(self) -> list[Ended]:
        """The stored records that no longer count, with the moment they ceased to."""
        return [
            (customer_id, slot.stored, slot.made[0][0].recorded_from)
            for (customer_id, *_), slot in self._slots.items()
            if slot.made and slot.stored is not None
        ]

    def made(self) -> list[Made]:
        """The records made, each with when a later one here ended it."""
        return [
            (customer_id, record, to)
            for (customer_id, *_), slot in self._slots.items()
            for record, to in slot.made
        ]

    def _of(self, slot: Slot) -> _Slot:
        found = self._slots.get(slot)
        if found is None:
            found = self._slots[slot] = _Slot()
        return found


def _put(slot: _Slot, after: Record | None) -> None:
    if after is None:
        return
    if slot.made:
        slot.made[-1] = (slot.made[-1][0], after.recorded_from)
    slot.made.append((after, None))
    slot.now = after
