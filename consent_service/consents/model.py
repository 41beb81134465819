"""Events and records, and the one rule that makes a record of events. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.catalogue.model import Catalogue, Channel, Confirmation, Purpose
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import Identifier
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Invalid
from consent_service.kernel.ids import CustomerId

AHEAD_TOLERATED = timedelta(minutes=5)


class EventKind(StrEnum):
    """What happened to a consent. `withdrawn` by the customer, `revoked` by us."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    REVOKED = "revoked"
    RENEWED = "renewed"

    @property
    def is_yes(self) -> bool:
        """Whether it says yes."""
        return self in _YESES

    @property
    def is_no(self) -> bool:
        """Whether it says no."""
        return self in _NOES


_YESES = frozenset({EventKind.GIVEN, EventKind.RENEWED})
_NOES = frozenset(EventKind) - _YESES - {EventKind.REQUESTED}


class State(StrEnum):
    """What a record says."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    REVOKED = "revoked"


NOES = frozenset({State.REFUSED, State.WITHDRAWN, State.OBJECTED, State.REVOKED})


class Record(Struct, frozen=True, gc=False):
    """What counts for one customer, purpose and channel, since `revision`. `channel` None: the
    purpose reaches nobody, or it is a no to all channels. `direct`: said by the person here, not
    imported. `standing_no`: the no that a `requested` follows and does not take away."""

    purpose: str
    channel: Channel | None
    state: State
    happened_at: datetime
    event_id: UUID
    notice_version: str | None
    by_guardian: bool
    direct: bool
    revision: int
    recorded_from: datetime
    standing_no: State | None = None

    @property
    def no(self) -> State | None:
        """The no that it says, or that stands beneath it."""
        return self.state if self.state in NOES else self.standing_no


class NewEvent(Struct, frozen=True, gc=False):
    """An event as it comes in. `channel` None is all channels of the purpose. `confirmed`: the
    second step of a double opt-in has been taken elsewhere. `imported`: from another system."""

    who: CustomerId | Identifier
    purpose: str
    kind: EventKind
    channel: Channel | None
    notice_version: str | None
    language: str | None
    touchpoint: str
    captured_at: datetime
    lifecycle_stage: str | None = None
    evidence: Mapping[str, Any] | None = None
    agent: str | None = None
    guardian: Mapping[str, Any] | None = None
    confirmed: bool = False
    imported: bool = False


class Event(Struct, frozen=True, gc=False):
    """An event as recorded. `happened_at` is what counts: `captured_at`, or the recording where
    that was ahead of it. `proof` seals evidence, guardian and agent under the proof key."""

    id: UUID
    customer_id: CustomerId
    revision: int
    purpose: str
    channel: Channel | None
    kind: EventKind
    happened_at: datetime
    captured_at: datetime
    recorded_at: datetime
    notice_version: str | None
    language: str | None
    touchpoint: str
    lifecycle_stage: str | None
    actor: Actor
    by_guardian: bool
    imported: bool
    proof: Sealed | None


class EffectiveConsent(Struct, frozen=True):
    """What holds for one purpose and channel at an instant, for a person to read."""

    purpose: Purpose
    channel: Channel | None
    state: str
    regime: str
    record: Record | None
    expires_at: datetime | None


def recorded_kind(event: NewEvent, purpose: Purpose) -> EventKind:
    """The kind to record: a yes where the purpose wants double opt-in is only `requested`."""
    unconfirmed = event.kind.is_yes and not event.confirmed
    if unconfirmed and purpose.confirmation is Confirmation.DOUBLE:
        return EventKind.REQUESTED
    return event.kind


def channel_of(event: NewEvent, purpose: Purpose) -> Channel | None:
    """The channel to record: a yes that names none is of the only one there is."""
    if event.channel is None and event.kind.is_yes and purpose.channels:
        return purpose.channels[0]
    return event.channel


def channels_of(event: Event, purpose: Purpose) -> tuple[Channel | None, ...]:
    """The channels whose records an event bears on. None, beside others, stands for those that
    the purpose may get one day."""
    if event.channel is not None or not purpose.channels:
        return (event.channel,)
    return (*purpose.channels, None)


def record_for(
    records: Mapping[tuple[str, Channel | None], Record], purpose: str, channel: Channel | None
) -> Record | None:
    """The record that counts for a channel: its own, else a no to all channels."""
    own = records.get((purpose, channel))
    if own is not None:
        return own
    of_all = records.get((purpose, None))
    return None if of_all is None or of_all.no is None else of_all


def expires_at(record: Record, purpose: Purpose) -> datetime | None:
    """When a yes stops to hold; None when it does not."""
    if record.state is not State.GIVEN or purpose.validity_days is None:
        return None
    return record.happened_at + timedelta(days=purpose.validity_days)


def is_expired(record: Record, purpose: Purpose, at: datetime) -> bool:
    """Whether a yes has stopped to hold."""
    end = expires_at(record, purpose)
    return end is not None and end <= at


def effective(
    catalogue: Catalogue,
    records: Mapping[tuple[str, Channel | None], Record],
    jurisdiction: str | None,
    at: datetime,
) -> list[EffectiveConsent]:
    """What holds for every purpose and channel of the catalogue."""
    found = []
    for purpose in catalogue.purposes.values():
        for channel in purpose.channels or (None,):
            record = record_for(records, purpose.key, channel)
            found.append(
                EffectiveConsent(
                    purpose,
                    channel,
                    _state(catalogue, purpose, record, at),
                    purpose.regime(channel, jurisdiction).value,
                    record,
                    None if record is None else expires_at(record, purpose),
                )
            )
    return found


def _state(catalogue: Catalogue, purpose: Purpose, record: Record | None, at: datetime) -> str:
    if record is None:
        return "no_record"
    if record.state is not State.GIVEN:
        return record.state.value
    if is_expired(record, purpose, at):
        return "expired"
    if catalogue.is_outdated(purpose.notice, record.notice_version or "", at):
        return "notice_outdated"
    return record.state.value


def check_event(event: NewEvent, catalogue: Catalogue, now: datetime, pointer: str) -> Purpose:
    """The purpose an event is about. `pointer` leads to the event in the body.

    Raises: Invalid when the event cannot be meant.
    """
    purpose = catalogue.purposes.get(event.purpose)
    if purpose is None:
        raise Invalid.at(pointer + "/purpose", "unknown_purpose", "Not in the catalogue.")
    check_touchpoint(event.touchpoint, catalogue, pointer)
    if event.channel is not None and event.channel not in purpose.channels:
        raise Invalid.at(
            pointer + "/channel", "channel_not_declared", "The purpose does not use this channel."
        )
    if event.kind.is_yes:
        _check_yes(event, purpose, catalogue, now, pointer)
    elif event.notice_version is not None:
        _check_notice(event, purpose, catalogue, now, pointer)
    return purpose


def check_touchpoint(touchpoint: str, catalogue: Catalogue, pointer: str) -> None:
    """Raises: Invalid for one that is not in the catalogue."""
    if touchpoint not in catalogue.touchpoints:
        raise Invalid.at(pointer + "/touchpoint", "unknown_touchpoint", "Not in the catalogue.")


def _check_yes(
    event: NewEvent, purpose: Purpose, catalogue: Catalogue, now: datetime, pointer: str
) -> None:
    if event.channel is None and len(purpose.channels) > 1:
        raise Invalid.at(
            pointer + "/channel", "channel_required", "A yes names one of the purpose's channels."
        )
    if event.captured_at > now + AHEAD_TOLERATED:
        raise Invalid.at(pointer + "/captured_at", "in_the_future", "A yes cannot be dated ahead.")
    if event.notice_version is None:
        raise Invalid.at(
            pointer + "/notice_version", "required", "A yes names the notice that was shown."
        )
    if event.language is None:
        raise Invalid.at(
            pointer + "/language", "required", "A yes names the language that was shown."
        )
    _check_notice(event, purpose, catalogue, now, pointer)


def _check_notice(
    event: NewEvent, purpose: Purpose, catalogue: Catalogue, now: datetime, pointer: str
) -> None:
    notice = catalogue.find_notice(purpose.notice, event.notice_version or "")
    if notice is None:
        raise Invalid.at(
            pointer + "/notice_version", "unknown_notice", "Not a version of the purpose's notice."
        )
    if notice.in_use_from > min(event.captured_at, now):
        raise Invalid.at(
            pointer + "/notice_version",
            "notice_not_in_use",
            "That version was not in use yet when this happened.",
        )
    if event.language is not None and not event.imported and event.language not in notice.text:
        raise Invalid.at(
            pointer + "/language", "unknown_language", "The notice has no text in this language."
        )
