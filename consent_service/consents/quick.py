"""Most bodies of events, read in a tenth of the time that their schemas take: see `web.quick`."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from consent_service.catalogue.model import Channel
from consent_service.consents.model import EventKind
from consent_service.consents.schemas import MAX_EVENTS, size_fault
from consent_service.customers.normaliser import NotUsable
from consent_service.customers.quick import Finder, subject_of
from consent_service.web import ownership
from consent_service.web.quick import Key, Language, ShortText, instant_of


class _Context(Struct, forbid_unknown_fields=True, omit_defaults=True):
    lifecycle_stage: Key | UnsetType = UNSET


class _Event(Struct, forbid_unknown_fields=True):
    purpose: Key
    event: EventKind
    touchpoint: Key
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


def quick_events(body: Any) -> dict[str, Any] | None:
    """What `EventsBody` makes of a body, or None: also with a customer's token, which may not write
    all of it."""
    if ownership.own_customer() is not None or not isinstance(body, dict):
        return None
    if "events" not in body:
        one = _quickly([body])
        return None if one is None else one[0]
    events = body["events"]
    if len(body) > 1 or not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        return None
    many = _quickly(events)
    return None if many is None else {"events": many}


def _quickly(bodies: list[Any]) -> list[dict[str, Any]] | None:
    """All that is plainly right stands in them as it will be handed over, but for who and when."""
    try:
        events = msgspec.convert(bodies, list[_Event])
        subjects = [subject_of(e.customer_id, e.identifier, anybody=True) for e in events]
    except (msgspec.ValidationError, NotUsable):
        return None
    times = {text: instant_of(text) for text in {event.captured_at for event in events}}
    if None in subjects or None in times.values() or any(map(_is_large, events)):
        return None
    return [
        {**body, **subject, "captured_at": times[event.captured_at]}
        for body, subject, event in zip(bodies, subjects, events, strict=True)
        if subject is not None
    ]


def _is_large(event: _Event) -> bool:
    entries = (event.evidence, event.guardian)
    return any(said and size_fault(said) for said in entries if said is not UNSET)
