"""The one rule that makes a record of events. No I/O.

The same events make the same record, in whatever order they arrive and however often: what
counts is when each happened. Source: DESIGN.md, time and order; ADR 0009.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from consent_service.catalogue.model import Channel
from consent_service.consents.model import NOES, Event, EventKind, Record, State

_STATES = {kind: State.GIVEN if kind.is_yes else State(kind) for kind in EventKind}


def apply_event(
    record: Record | None, event: Event, channel: Channel | None, known: Sequence[Event]
) -> Record | None:
    """The record that an event makes of another on a channel; None when it changes nothing.

    `known` are the events of the same customer and purpose that were recorded before, or at
    least those of them that `latest_of_each` keeps; none need be for one that `speaks_last`, or
    that `says_no_again`.
    """
    if not known and _speaks_of(event, channel):
        if record is not None and _outweighs(record, event):
            return None
        projected: Record | None = _record(event, channel)
    else:
        projected = project([*known, event], channel)
    return changed(record, projected, event.revision, event.recorded_at)


def speaks_last(event: Event, last: datetime | None) -> bool:
    """Whether an event makes the record by itself, whatever was before: a yes or a no, said here,
    after all that happened for its customer and purpose. `last` is when the last of that did."""
    decides = event.kind is not EventKind.REQUESTED and not event.imported
    return decides and (last is None or event.happened_at > last)


def says_no_again(event: Event, last: datetime | None, of_all: Record | None) -> bool:
    """As `speaks_last`, for a no of the same moment as the last: it is weighed against the record
    alone. `of_all` is the record of all channels: what that says of the moment, a record of one
    channel need not know."""
    no = event.kind.is_no and not event.imported and event.happened_at == last
    return no and (of_all is None or of_all.happened_at != last)


def is_told_by(record: Record | None, of_all: Record | None, event: Event) -> bool:
    """Whether a channel's record alone tells what comes of an event, whenever it happened: both say
    no, and so the one that weighs more does. `of_all` is the record of all channels: a channel
    that the purpose was without for a while knows nothing of what was said of all meanwhile."""
    if record is None or record.state not in NOES or not event.kind.is_no or event.imported:
        return False
    if of_all is None or of_all.event_id == record.event_id:
        return True
    return of_all.state in NOES and of_all.happened_at < event.happened_at


def changed(
    record: Record | None, projected: Record | None, revision: int, now: datetime
) -> Record | None:
    """`projected` as the record from `revision` on; None when it says what `record` says. It
    counts from `now`, but never from before the other did: whoever waited for the customer's lock
    comes with an older time."""
    if projected is None or _same(record, projected):
        return None
    since = now if record is None else max(now, record.recorded_from)
    if (projected.revision, projected.recorded_from) == (revision, since):
        return projected
    return replace(projected, revision=revision, recorded_from=since)


def project(events: Iterable[Event], channel: Channel | None) -> Record | None:
    """The record that events of one customer and purpose make for a channel.

    The latest yes or no decides; at the same moment a no. An imported yes never beats an
    objection, unless the person has said yes here since. A `requested` takes nothing away: not
    a yes, and where it follows a no, that one still stands beneath it.
    """
    spoken = [event for event in events if _speaks_of(event, channel)]
    decides = _decisive(spoken)
    asked = _latest([e for e in spoken if e.kind is EventKind.REQUESTED])
    if asked is None or (decides is not None and decides.kind.is_yes):
        return None if decides is None else _record(decides, channel)
    if decides is None or decides.happened_at < asked.happened_at:
        return replace(
            _record(asked, channel), standing_no=None if decides is None else _state(decides)
        )
    return _record(decides, channel)


def latest_no(events: Iterable[Event], channel: Channel | None) -> Event | None:
    """Of events of one customer and purpose, the latest no to a channel."""
    return _latest([e for e in events if e.kind.is_no and _speaks_of(e, channel)])


def latest_of_each(events: Iterable[Event]) -> list[Event]:
    """Of the events of one customer and purpose, those that can matter to a record: of each
    channel and kind, imported or not, the latest."""
    latest: dict[object, list[Event]] = {}
    for event in events:
        of_its_sort = latest.setdefault((event.channel, event.kind, event.imported), [event])
        if event.happened_at > of_its_sort[0].happened_at:
            of_its_sort[:] = [event]
        elif event.happened_at == of_its_sort[0].happened_at and event not in of_its_sort:
            of_its_sort.append(event)
    return [event for of_one_sort in latest.values() for event in of_one_sort]


def _speaks_of(event: Event, channel: Channel | None) -> bool:
    """A no without a channel is of every channel, also of those the purpose gets later; a yes
    is of the one that it names."""
    return event.channel is channel or (event.channel is None and not event.kind.is_yes)


def _decisive(spoken: Sequence[Event]) -> Event | None:
    objected = _latest([e for e in spoken if e.kind is EventKind.OBJECTED])
    direct = _latest([e for e in spoken if e.kind.is_yes and not e.imported])
    stands = objected is not None and (direct is None or direct.happened_at <= objected.happened_at)
    return _latest(
        [
            e
            for e in spoken
            if e.kind is not EventKind.REQUESTED and not (stands and e.imported and e.kind.is_yes)
        ]
    )


def _latest(events: Sequence[Event]) -> Event | None:
    return max(events, key=_weight, default=None)


def _weight(event: Event) -> tuple[datetime, bool, bool, bool, bool, str, UUID]:
    """Which of two events counts. At the same moment the one that permits less; what follows
    makes the choice the same whatever the order."""
    return (
        event.happened_at,
        event.kind.is_no,
        event.kind is EventKind.OBJECTED,
        event.imported,
        not event.by_guardian,
        event.notice_version or "",
        event.id,
    )


def _outweighs(record: Record, event: Event) -> bool:
    """Whether what a record rests on counts, and not an event that happened no earlier."""
    state, direct = record.state, record.direct
    if state is State.REQUESTED or record.happened_at < event.happened_at:
        return False
    rests_on = (record.happened_at, state in NOES, state is State.OBJECTED, not direct,
                not record.by_guardian, record.notice_version or "", record.event_id)  # fmt: skip
    return rests_on > _weight(event)


def _record(event: Event, channel: Channel | None) -> Record:
    return Record(
        event.purpose,
        channel,
        _state(event),
        event.happened_at,
        event.id,
        event.notice_version,
        event.by_guardian,
        not event.imported,
        event.revision,
        event.recorded_at,
    )


def _state(event: Event) -> State:
    return _STATES[event.kind]


def _same(one: Record | None, other: Record) -> bool:
    if one is None or one.event_id != other.event_id:
        return False
    return one == replace(other, revision=one.revision, recorded_from=one.recorded_from)
