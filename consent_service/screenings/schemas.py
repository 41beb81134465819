"""Shapes of the screenings API."""

from marshmallow import Schema, fields, validate

from consent_service.catalogue.model import Channel
from consent_service.decisions.schemas import CAMPAIGN
from consent_service.screenings.model import Column, JobState
from consent_service.web.contracts import KEY, Contract, FieldErrorReply, Instant, text


class ScreeningQuery(Contract):
    """What is asked about everybody in the body. `data_categories` are parted by commas; `column`
    says which of several names people."""

    purpose = fields.String(required=True, validate=text(64))
    channel = fields.String(validate=validate.OneOf(list(Channel)))
    data_categories = fields.String(validate=text(2_000))
    recipient = fields.String(validate=KEY)
    column = fields.String(validate=validate.OneOf(list(Column)))
    campaign = fields.String(validate=CAMPAIGN)
    touchpoint = fields.String(validate=KEY)
    lifecycle_stage = fields.String(validate=KEY)


class ScreeningReply(Schema):
    """What came of a screening. `reasons` counts rows by answer, `unusable` rows that name nobody.
    The permitted rows hold until `valid_until`; `members` are those who are known here."""

    screening_id = fields.String(required=True)
    purpose = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    data_categories = fields.List(fields.String(), required=True)
    recipient = fields.String(required=True, allow_none=True)
    context = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    form = fields.String(required=True)
    evaluated_at = Instant(required=True)
    valid_until = Instant(required=True)
    rows = fields.Integer(required=True)
    permitted = fields.Integer(required=True)
    denied = fields.Integer(required=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    unusable = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    members = fields.Integer(required=True)
    members_root = fields.String(required=True, allow_none=True)


class JobProblemReply(Schema):
    """Why a job failed, as a problem would say it."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorReply), required=True)


class JobReply(Schema):
    """A screening that is answered later. `rows` are judged so far; `result_url` leads to the
    permitted rows, for 24 hours after `finished_at`."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["screening"]))
    state = fields.String(required=True, validate=validate.OneOf(list(JobState)))
    created_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)
    rows = fields.Integer(required=True)
    screening_id = fields.String(required=True, allow_none=True)
    result_url = fields.String(required=True, allow_none=True)
    problem = fields.Nested(JobProblemReply, required=True, allow_none=True)
