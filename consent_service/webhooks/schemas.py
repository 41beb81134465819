"""Shapes of webhooks and of the change feed."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from consent_service.web.contracts import Contract, PageQuery, text
from consent_service.webhooks.events import FAMILIES, IN_FEED, TYPES
from consent_service.webhooks.model import DeliveryState
from consent_service.webhooks.waiting import MOST_SECONDS

_FEED_NAMES = frozenset((*IN_FEED, *FAMILIES))
_STATES = [state.value for state in DeliveryState]


class TypesField(fields.String):
    """Event types and families with a comma between."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, *args, **kwargs)
        names = frozenset(str(found).split(","))
        if not names <= _FEED_NAMES:
            raise ValidationError("Types of the feed, or families such as consent.*, with commas.")
        return names


class ChangesQuery(Contract):
    """Where to go on in the feed, and how."""

    cursor = fields.String(validate=text(2_000))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1_000))
    types = TypesField(
        metadata={"description": "Event types or families (`consent.*`), with commas between"},
    )
    start = fields.String(
        load_default="beginning",
        validate=validate.OneOf(["beginning", "now"]),
        metadata={"description": "Without a cursor: from all that is kept, or from now on"},
    )
    wait = fields.Integer(
        load_default=0,
        validate=validate.Range(0, MOST_SECONDS),
        metadata={"description": "Seconds to wait for a change when there is none"},
    )


class ChangeReply(Schema):
    """One change: ids and codes. What it does not have is left out."""

    id = fields.String(required=True, metadata={"description": "The same however often you see it"})
    type = fields.String(required=True, validate=validate.OneOf(IN_FEED))
    customer_id = fields.String()
    revision = fields.Integer(metadata={"description": "What the change made of the customer's"})
    occurred_at = fields.String(required=True)
    recorded_at = fields.String(required=True)
    purpose = fields.String()
    channel = fields.String()
    catalogue_version = fields.Integer()
    request_id = fields.String()
    suppression_id = fields.String()
    absorbed_id = fields.String()


class ChangesReply(Schema):
    """A page of the feed. There is always a cursor: ask with it again."""

    items = fields.List(fields.Nested(ChangeReply), required=True)
    next_cursor = fields.String(required=True)
    more = fields.Boolean(required=True, metadata={"description": "Whether to go on at once"})


class WebhookBody(Contract):
    """Where to send what."""

    url = fields.String(required=True, validate=text(500))
    event_types = fields.List(
        fields.String(validate=validate.OneOf([*TYPES, *FAMILIES])),
        required=True,
        validate=validate.Length(1, 64),
    )
    client_id = fields.String(
        validate=text(64),
        metadata={"description": "Whose it is; yours unless you say. It is told what is for that "
                  "client's recipients alone, and nothing once that client is disabled"},
    )  # fmt: skip


class WebhookReply(Schema):
    """A webhook, and how it does."""

    id = fields.String(required=True)
    url = fields.String(required=True)
    event_types = fields.List(fields.String(), required=True)
    client_id = fields.String(required=True)
    created_at = fields.String(required=True)
    disabled_at = fields.String(required=True, allow_none=True)
    failures = fields.Integer(required=True, metadata={"description": "Failed tries in a row"})
    deliveries = fields.Dict(
        keys=fields.String(validate=validate.OneOf(_STATES)),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How many there are in each state"},
    )


class NewWebhookReply(WebhookReply):
    """With the secret, shown this once."""

    secret = fields.String(required=True)


class WebhookList(Schema):
    """Every webhook."""

    items = fields.List(fields.Nested(WebhookReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RotateBody(Contract):
    """How long the secret before is to sign as well."""

    overlap_hours = fields.Integer(load_default=24, validate=validate.Range(0, 24 * 30))


class WebhookSecretReply(Schema):
    """The new secret, shown this once."""

    id = fields.String(required=True)
    secret = fields.String(required=True)


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    state = fields.String(validate=validate.OneOf(_STATES))


class DeliveryReply(Schema):
    """One event for one webhook."""

    id = fields.String(required=True)
    event_id = fields.String(required=True)
    event_type = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    tries = fields.Integer(required=True)
    created_at = fields.String(required=True)
    next_try_at = fields.String(required=True, allow_none=True)
    finished_at = fields.String(required=True, allow_none=True)
    last_status = fields.Integer(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


class DeliveryList(Schema):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliveryReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ReplayBody(Contract):
    """What to send again; all that were given up when nothing is named."""

    delivery_ids = fields.List(fields.String(validate=text(64)), validate=validate.Length(1, 1_000))


class ReplayReply(Schema):
    """How many wait again."""

    replayed = fields.Integer(required=True)
