"""Most bodies of events, read in a tenth of the time that their schemas take: see `web.quick`."""

import re
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from consent_service.catalogue.model import Channel
from consent_service.consents.model import EventKind
from consent_service.consents.schemas import MAX_EVENTS, size_fault
from consent_service.customers.normaliser import NotUsable
from consent_service.customers.quick import Finder, subject_of
from consent_service.kernel.ids import list_customer_ids
from consent_service.web import ownership
from consent_service.web.contracts import KEY_PATTERN
from consent_service.web.quick import Key, Language, ShortText, instant_of

_KEY = re.compile(rf"\A(?:{KEY_PATTERN})\Z")


class _Context(Struct, forbid_unknown_fields=True, omit_defaults=True):
    lifecycle_stage: Key | UnsetType = UNSET


class _Event(Struct, forbid_unknown_fields=True):
    purpose: str
    event: EventKind
    touchpoint: str
    captured_at: str
    customer_id: str | UnsetType = UNSET
    identifier: Finder | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    notice_version: ShortText | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    context: _Context | UnsetType = UNSET
    evidence: dict[ShortText, Any] | UnsetType = UNSET
    agent: ShortText | UnsetType = UNSET
    guardian: dict[ShortText, Any] | UnsetType = UNSET


class _Many(Struct, forbid_unknown_fields=True):
    events: Annotated[list[_Event], Meta(min_length=1, max_length=MAX_EVENTS)]


def quick_events(body: Any) -> dict[str, Any] | None:
    """What `EventsBody` makes of a body, or None: also with a customer's token, which may not write
    all of it."""
    if ownership.own_customer() is not None or not isinstance(body, dict):
        return None
    if "events" not in body:
        one = _quickly({"events": [body]})
        return None if one is None else one[0]
    many = _quickly(body)
    return None if many is None else {"events": many}


def _quickly(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """All that is plainly right stands in them as it will be handed over, but for who and when."""
    try:
        events = msgspec.convert(body, _Many).events
        subjects = _subjects(events)
    except (msgspec.ValidationError, NotUsable):
        return None
    times = {text: instant_of(text) for text in {event.captured_at for event in events}}
    keys = {event.purpose for event in events} | {event.touchpoint for event in events}
    if None in subjects or None in times.values() or not all(map(_is_key, keys)):
        return None
    if any(map(_is_large, events)):
        return None
    return [
        {**said, **subject, "captured_at": times[event.captured_at]}
        for said, subject, event in zip(body["events"], subjects, events, strict=True)
        if subject is not None
    ]


def _subjects(events: list[_Event]) -> list[dict[str, Any] | None]:
    """Whom they are about. Most are so by id, and many ids are read faster at once."""
    if len(events) > 1 and all(
        type(e.customer_id) is str and e.identifier is UNSET for e in events
    ):
        found = list_customer_ids([str(event.customer_id) for event in events])
        if found is not None:
            return [{"customer_id": each} for each in found]
    return [subject_of(e.customer_id, e.identifier, anybody=True) for e in events]


def _is_key(text: str) -> bool:
    return 1 <= len(text) <= 64 and _reads_as_key(text)


@lru_cache(maxsize=256)
def _reads_as_key(text: str) -> bool:
    """Looked at once: a pattern takes longer than all else that an event is read by."""
    return _KEY.match(text) is not None


def _is_large(event: _Event) -> bool:
    entries = (event.evidence, event.guardian)
    return any(said and size_fault(said) for said in entries if said is not UNSET)
