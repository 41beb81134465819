"""Shapes of the disclosures API."""

from marshmallow import Schema, fields, validate

from consent_service.disclosures.model import KINDS
from consent_service.web.contracts import KEY, CustomerIdField, Instant, PageQuery


class DisclosuresQuery(PageQuery):
    """Which entries."""

    customer_id = CustomerIdField()
    recipient = fields.String(validate=KEY)
    purpose = fields.String(validate=KEY)
    kind = fields.String(validate=validate.OneOf(KINDS))
    outcome = fields.String(validate=validate.OneOf(["permit", "deny"]))
    touchpoint = fields.String(validate=KEY)
    from_ = Instant(data_key="from")
    to = Instant()


class OwnQuery(PageQuery):
    """Which page of a customer's entries."""

    kind = fields.String(validate=validate.OneOf(KINDS))


class DisclosureItem(Schema):
    """One entry, its clear columns. `leaf_index` is null until it is sealed into the tree."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    customer_id = fields.String(required=True, allow_none=True)
    client_id = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True, allow_none=True)
    data_categories = fields.List(fields.String(), required=True)
    recipient = fields.String(required=True, allow_none=True)
    touchpoint = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    catalogue_version = fields.Integer(required=True, allow_none=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    leaf_index = fields.Integer(required=True, allow_none=True)


class DisclosureList(Schema):
    """A page of entries, oldest first."""

    items = fields.List(fields.Nested(DisclosureItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
