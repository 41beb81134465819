"""Shapes of the consents API."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from consent_service.catalogue.model import Channel
from consent_service.consents.model import EventKind
from consent_service.customers.schemas import FinderBody
from consent_service.web import ownership
from consent_service.web.contracts import (
    KEY,
    LANGUAGE,
    Contract,
    CustomerIdField,
    Entries,
    Instant,
    OrOne,
    PageQuery,
    text,
)

MAX_EVENTS = 1_000
_DEEPEST = 20
_NOT_BY_APPS = frozenset({"agent", "guardian"})  # an app speaks for the customer, nobody else


def size_fault(value: dict[str, Any]) -> str | None:
    """What is wrong with the size of evidence. Looked at level by level, so that however deep it
    is, it is measured and not walked into."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return "At most 4,000 characters." if len(repr(value)) > 4_000 else None
    return f"At most {_DEEPEST} levels deep."


def _small(value: dict[str, Any]) -> None:
    fault = size_fault(value)
    if fault is not None:
        raise ValidationError(fault)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class SubjectBody(Contract):
    """Somebody, by id or by an identifier."""

    customer_id = CustomerIdField()
    identifier = fields.Nested(FinderBody)

    @validates_schema
    def check_subject(self, loaded: dict[str, Any], **_: Any) -> None:
        """One of the two."""
        if ("customer_id" in loaded) == ("identifier" in loaded):
            raise ValidationError("Name one of customer_id and identifier.", "customer_id")


class ContextBody(Contract):
    """Where in a customer's life it happened."""

    lifecycle_stage = fields.String(validate=KEY)


_OURS = frozenset({EventKind.REVOKED.value, EventKind.REQUESTED.value})


class EventBody(SubjectBody):
    """An event to record."""

    purpose = fields.String(required=True, validate=KEY)
    event = fields.String(required=True, validate=validate.OneOf(list(EventKind)))
    channel = fields.String(validate=validate.OneOf(list(Channel)))
    notice_version = fields.String(validate=text(64))
    language = fields.String(validate=LANGUAGE)
    touchpoint = fields.String(required=True, validate=KEY)
    captured_at = Instant(required=True)
    context = fields.Nested(ContextBody)
    evidence = Entries(keys=fields.String(validate=text(64)), validate=_small)
    agent = fields.String(validate=text(64))
    guardian = Entries(keys=fields.String(validate=text(64)), validate=_small)

    @post_load
    def check_author(self, loaded: dict[str, Any], **_: Any) -> dict[str, Any]:
        """With a customer's token, what the customer does. Raises: Invalid."""
        ownership.refuse_fields(loaded, _NOT_BY_APPS)
        if loaded["event"] in _OURS:
            ownership.refuse_fields(loaded, frozenset({"event"}))
        return loaded


class EventsBody(OrOne):
    """One event, or `events` for many, all or none."""

    one = EventBody
    events = fields.List(
        fields.Nested(EventBody), required=True, validate=validate.Length(1, MAX_EVENTS)
    )


class RecordedReply(Schema):
    """What came of an event."""

    event_id = fields.String(required=True)
    state = fields.String(required=True)
    revision = fields.Integer(required=True)
    consent_token = fields.String(required=True)
    receipt_url = fields.String(required=True)


class RecordReply(Schema):
    """What came of one event, or `results` of many, in order."""

    event_id = fields.String()
    state = fields.String()
    revision = fields.Integer()
    consent_token = fields.String()
    receipt_url = fields.String()
    results = fields.List(fields.Nested(RecordedReply))


class AsOfQuery(Contract):
    """Which past moment."""

    as_of = Instant()


class EffectiveReply(Schema):
    """What holds for a purpose and channel."""

    purpose = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True,
        metadata={
            "description": "no_record, requested, given, refused, withdrawn, objected, revoked, "
            "expired or notice_outdated"
        },
    )
    legal_basis = fields.String(required=True)
    regime = fields.String(required=True)
    happened_at = fields.DateTime(required=True, allow_none=True)
    notice_version = fields.String(required=True, allow_none=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    event_id = fields.String(required=True, allow_none=True)


class EffectiveListReply(Schema):
    """Every purpose and channel."""

    items = fields.List(fields.Nested(EffectiveReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EventReply(Schema):
    """An event. Evidence stays sealed."""

    event_id = fields.String(required=True)
    event = fields.String(required=True)
    purpose = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    happened_at = fields.DateTime(required=True)
    captured_at = fields.DateTime(required=True)
    recorded_at = fields.DateTime(required=True)
    revision = fields.Integer(required=True)
    notice_version = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    touchpoint = fields.String(required=True)
    lifecycle_stage = fields.String(required=True, allow_none=True)
    actor = fields.String(required=True)
    by_guardian = fields.Boolean(required=True)
    imported = fields.Boolean(required=True)
    receipt_url = fields.String(required=True)


class EventListReply(Schema):
    """A page of events."""

    items = fields.List(fields.Nested(EventReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EventsQuery(PageQuery):
    """Which page."""


class SignalBody(SubjectBody):
    """A signal that a browser or device sent."""

    signal = fields.String(required=True, validate=validate.OneOf(["gpc"]))
    captured_at = Instant(required=True)
    touchpoint = fields.String(required=True, validate=KEY)


class SignalReply(Schema):
    """The signal counts from now on."""

    signal = fields.String(required=True)
    revision = fields.Integer(required=True)
    consent_token = fields.String(required=True)


class ReceiptReply(Schema):
    """A receipt's plain fields (ISO/IEC TS 27560)."""

    schema_version = fields.String(required=True)
    record_id = fields.String(required=True)
    pii_principal_id = fields.String(required=True)
    iss = fields.String(required=True)
    catalogue_version = fields.Integer(required=True)
    pii_processing = fields.Dict(required=True)
    parties = fields.List(fields.Dict(), required=True)
    event = fields.Dict(required=True)
