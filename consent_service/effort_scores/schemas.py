"""Shapes of the effort report."""

from marshmallow import Schema, fields


class EffortCount(Schema):
    """How often a score was given: 1 is very hard, 7 very easy."""

    month = fields.String(required=True, metadata={"description": "2026-11, by UTC"})
    about = fields.String(required=True, metadata={"description": "choice or request"})
    score = fields.Integer(required=True)
    count = fields.Integer(required=True)


class EffortReply(Schema):
    """Every count, the oldest month first."""

    items = fields.List(fields.Nested(EffortCount), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
