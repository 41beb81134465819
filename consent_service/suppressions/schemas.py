"""Shapes of the suppressions API."""

from marshmallow import Schema, fields, validate

from consent_service.catalogue.model import Channel
from consent_service.customers.schemas import FinderBody
from consent_service.suppressions.model import Reason
from consent_service.web.contracts import KEY, Contract, Instant, PageQuery


class SuppressionBody(Contract):
    """An identifier, known or not, that is not to be used."""

    identifier = fields.Nested(FinderBody, required=True)
    reason = fields.String(required=True, validate=validate.OneOf(list(Reason)))
    channel = fields.String(validate=validate.OneOf(list(Channel)))
    happened_at = Instant()
    source = fields.String(validate=KEY)


class SuppressionsQuery(PageQuery):
    """Which marks."""

    reason = fields.String(validate=validate.OneOf(list(Reason)))
    open = fields.Boolean(load_default=True)


class SuppressionReply(Schema):
    """A mark. The identifier itself is not stored and cannot be shown."""

    id = fields.String(required=True)
    identifier_type = fields.String(required=True)
    reason = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    happened_at = Instant(required=True)
    recorded_at = Instant(required=True)
    closed_at = Instant(required=True, allow_none=True)


class SuppressionList(Schema):
    """A page of marks."""

    items = fields.List(fields.Nested(SuppressionReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
