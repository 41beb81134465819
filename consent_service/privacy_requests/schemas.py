"""Shapes of the privacy requests API."""

from marshmallow import Schema, fields, validate

from consent_service.consents.schemas import SubjectBody
from consent_service.privacy_requests.model import (
    BY_STAFF,
    IdentityProof,
    RequestKind,
    RequestState,
    StepKind,
    Told,
)
from consent_service.web.contracts import KEY, Contract, CustomerIdField, Instant, PageQuery, text

_REASON = text(2_000)
_WAITS_FOR = (
    *("identity", "decision", "release", "carrier", "grace"),
    *("correction", "recipients", "webhooks"),
)


class PrivacyRequestBody(SubjectBody):
    """What somebody asks for."""

    kind = fields.String(required=True, validate=validate.OneOf(list(RequestKind)))
    note = fields.String(validate=text(4_000), metadata={"description": "Sealed; what to correct"})
    touchpoint = fields.String(validate=KEY, metadata={"description": "Where the person asked"})


class PrivacyRequestReceipt(Schema):
    """That it came in: the same whoever is named."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(RequestState)))
    due_at = Instant(required=True)


class PrivacyRequestsQuery(PageQuery):
    """Which requests. A customer's token names its customer."""

    customer_id = CustomerIdField()
    state = fields.String(validate=validate.OneOf(list(RequestState)))
    kind = fields.String(validate=validate.OneOf(list(RequestKind)))
    overdue = fields.Boolean(load_default=False)


class PrivacyRequestSummary(Schema):
    """A request. `customer_id` is null where nobody is known."""

    id = fields.String(required=True)
    customer_id = CustomerIdField(required=True, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(RequestKind)))
    state = fields.String(required=True, validate=validate.OneOf(list(RequestState)))
    received_at = Instant(required=True)
    due_at = Instant(required=True)
    overdue = fields.Boolean(required=True)
    held = fields.Boolean(required=True)
    restricts = fields.Boolean(
        required=True, metadata={"description": "Processing is restricted because of it"}
    )
    lift_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When that is to be lifted, of which the person was told"},
    )
    identity = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*IdentityProof, None])
    )
    waits_for = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*_WAITS_FOR, None]),
        metadata={
            "description": "`carrier`: approved, and this release cannot carry it out yet."
            " `webhooks`: erased, and a webhook that wants to know has not taken it yet"
        },
    )


class PrivacyRequestStep(Schema):
    """A step that was taken. `words` are stable: how identity was confirmed or the person told,
    what is left."""

    step = fields.String(required=True, validate=validate.OneOf(list(StepKind)))
    at = Instant(required=True)
    actor = fields.String(required=True)
    words = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class RecipientProgress(Schema):
    """How far a recipient is that was told of it. `words` are stable: why it did not."""

    recipient = fields.String(required=True)
    kind = fields.String(required=True)
    told_at = Instant(required=True)
    reached_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    words = fields.String(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)


class PrivacyRequestReply(PrivacyRequestSummary):
    """A request with all that happened."""

    note = fields.String(required=True, allow_none=True)
    steps = fields.List(fields.Nested(PrivacyRequestStep), required=True)
    recipients = fields.List(fields.Nested(RecipientProgress), required=True)


class PrivacyRequestList(Schema):
    """A page of requests."""

    items = fields.List(fields.Nested(PrivacyRequestSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _identity(*, required: bool) -> fields.String:
    return fields.String(
        required=required,
        validate=validate.OneOf([each.value for each in BY_STAFF]),
        metadata={"description": "How it was made sure who asks"},
    )


class ApproveBody(Contract):
    """An approval. `identity` is needed where the person has not confirmed."""

    identity = _identity(required=False)


class ConfirmBody(Contract):
    """That the person is who they say."""

    identity = _identity(required=True)


class ReasonBody(Contract):
    """Why. It is sealed, and the person may read it."""

    reason = fields.String(required=True, validate=_REASON)


class LiftBody(ReasonBody):
    """Why a restriction ends. `told` is needed where no address is on file."""

    told = fields.String(
        validate=validate.OneOf([each.value for each in Told]),
        metadata={"description": "How staff told the person, beside the letter or without one"},
    )


class MaybeReasonBody(Contract):
    """Why, if it is said."""

    reason = fields.String(validate=_REASON)


class DoneBody(Contract):
    """That the data was corrected; with `left`, what could not be."""

    left = fields.String(validate=_REASON)
