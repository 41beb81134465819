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


_AS_THEY_ARE = ("purpose", "event", "touchpoint", "channel", "notice_version", "language", "agent",
                "evidence", "guardian")  # fmt: skip


def quick_events(body: Any) -> dict[str, Any] | None:
    """What `EventsBody` makes of a body, or None: also with a customer's token, which may not write
    all of it."""
    if ownership.own_customer() is not None or not isinstance(body, dict):
        return None
    if "events" not in body:
        return _quick_event(body)
    events = body["events"]
    if len(body) > 1 or not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        return None
    found = []
    for event in events:
        quick = _quick_event(event)
        if quick is None:
            return None
        found.append(quick)
    return {"events": found}


def _quick_event(body: Any) -> dict[str, Any] | None:
    try:
        said = msgspec.convert(body, _Event)
        found = subject_of(said.customer_id, said.identifier)
    except (msgspec.ValidationError, NotUsable):
        return None
    captured_at = instant_of(said.captured_at)
    if found is None or captured_at is None:
        return None
    if any(entries and size_fault(entries) for entries in (said.evidence, said.guardian)):
        return None
    for name in _AS_THEY_ARE:
        value = getattr(said, name)
        if value is not UNSET:
            found[name] = value
    if said.context is not UNSET:
        found["context"] = msgspec.to_builtins(said.context)
    return {**found, "captured_at": captured_at}
