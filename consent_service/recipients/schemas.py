"""Shapes of what recipients are told, and of what they answer."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from consent_service.customers.model import IdentifierType
from consent_service.recipients.model import ANSWERS, TaskKind, TaskOutcome, Words
from consent_service.web.contracts import Contract, CustomerIdField, Instant, PageQuery


class ForMeQuery(PageQuery):
    """Which of one's own; of every recipient that the client stands for unless one is named."""

    recipient = fields.String()


class ForMeIdentifier(Schema):
    """What a recipient may know the person by."""

    type = fields.String(required=True, validate=validate.OneOf(list(IdentifierType)))
    value = fields.String(required=True, metadata={"description": "Normalised"})


class ForMeReply(Schema):
    """What a recipient is to do."""

    id = fields.String(required=True)
    recipient = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(TaskKind)))
    told_at = Instant(required=True)
    answer_by = Instant(required=True)
    overdue = fields.Boolean(required=True)
    customer_ids = fields.List(
        CustomerIdField(),
        required=True,
        metadata={"description": "Every id that ever led to the person"},
    )
    identifiers = fields.List(fields.Nested(ForMeIdentifier), required=True)


class ForMeList(Schema):
    """A page of what is still to be answered."""

    items = fields.List(fields.Nested(ForMeReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ConfirmForMeBody(Contract):
    """What a recipient did. `words` say why it did not."""

    outcome = fields.String(required=True, validate=validate.OneOf([*ANSWERS]))
    words = fields.String(validate=validate.OneOf(list(Words)))

    @validates_schema
    def _words_for_not_done(self, data: dict[str, Any], **_: Any) -> None:
        if ("words" in data) != (data.get("outcome") == TaskOutcome.NOT_DONE):
            raise ValidationError("Needed for `not_done`, and for that alone.", "words")


class AnsweredReply(Schema):
    """What is kept of the answer."""

    id = fields.String(required=True)
    recipient = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(list(TaskOutcome)))
    words = fields.String(required=True, allow_none=True)
    ended_at = Instant(required=True)


class SettleBody(Contract):
    """Of which recipient no answer is waited for any longer."""

    recipient = fields.String(required=True)
