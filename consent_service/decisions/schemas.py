"""Shapes of the decisions API."""

from marshmallow import Schema, fields, validate

from consent_service.catalogue.model import Channel
from consent_service.consents.schemas import SubjectBody
from consent_service.decisions.model import CAMPAIGN_PATTERN, Outcome, Reason
from consent_service.web.contracts import KEY, Contract, Instant, Pattern, text

MAX_CHECKS = 10_000

CAMPAIGN = validate.And(validate.Length(1, 64), Pattern(f"^{CAMPAIGN_PATTERN}$"))


class CheckContext(Contract):
    """What the answer is wanted for. No personal values."""

    campaign = fields.String(validate=CAMPAIGN)
    touchpoint = fields.String(validate=KEY)
    lifecycle_stage = fields.String(validate=KEY)


class CheckBody(SubjectBody):
    """A check. `recipient` is one that the client may act for; left out, its own."""

    purpose = fields.String(required=True, validate=text(64))
    channel = fields.String(validate=validate.OneOf(list(Channel)))
    data_categories = fields.List(fields.String(validate=KEY), validate=validate.Length(0, 50))
    recipient = fields.String(validate=KEY)
    context = fields.Nested(CheckContext)
    at_least_as_fresh = fields.String(validate=text(100))


class BatchBody(Contract):
    """Up to 10,000 checks."""

    checks = fields.List(
        fields.Nested(CheckBody), required=True, validate=validate.Length(1, MAX_CHECKS)
    )


class DecisionReply(Schema):
    """An answer. It holds until `valid_until` at the latest; ask again before each use."""

    decision_id = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(list(Outcome)))
    reason = fields.String(required=True, validate=validate.OneOf(list(Reason)))
    purpose = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    data_categories = fields.List(fields.String(), required=True)
    record_revision = fields.Integer(required=True, allow_none=True)
    notice_version = fields.String(required=True, allow_none=True)
    evaluated_at = Instant(required=True)
    valid_until = Instant(required=True)


class BatchReply(Schema):
    """Answers in the order of the checks."""

    decisions = fields.List(fields.Nested(DecisionReply), required=True)
