"""Shapes of the merge."""

from marshmallow import Schema, fields

from consent_service.web.contracts import Contract, CustomerIdField


class MergeBody(Contract):
    """Who is the same person."""

    duplicate_id = CustomerIdField(required=True)


class MergeReply(Schema):
    """The one customer there is now."""

    id = CustomerIdField(required=True)
    revision = fields.Integer(required=True)
