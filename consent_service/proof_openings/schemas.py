"""Shapes of the approvals API."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from consent_service.proof_openings.model import Basis, State
from consent_service.web.contracts import Contract, CustomerIdField, Instant, text

_ACT = "open_kept_proof"


class OfficerBody(Contract):
    """Who acts: a privacy officer of `consent staff`. The code counts once."""

    name = fields.String(required=True, validate=text(64))
    password = fields.String(required=True, validate=text(256))
    code = fields.String(required=True, validate=text(16))


class ActBody(Contract):
    """An act of an officer."""

    officer = fields.Nested(OfficerBody, required=True)


class ApprovalBody(ActBody):
    """What is to be approved: that proofs kept of somebody who was erased are opened."""

    act = fields.String(required=True, validate=validate.Equal(_ACT))
    request_id = fields.String(
        validate=text(64), metadata={"description": "The erasure's, which its certificate names"}
    )
    customer_id = CustomerIdField(
        metadata={"description": "`pii_principal_id` of a receipt that the person has"}
    )
    legal_basis = fields.String(required=True, validate=validate.OneOf(list(Basis)))
    reason = fields.String(required=True, validate=text(2_000))

    @validates_schema
    def check_whose(self, loaded: dict[str, Any], **_: Any) -> None:
        """One of the two."""
        if ("request_id" in loaded) == ("customer_id" in loaded):
            raise ValidationError("Name one of request_id and customer_id.", "request_id")


class ApprovalReply(Schema):
    """How far it is. `expires_at`: until when it waits to be approved, or to be fetched. `reason`
    is null in lists, and once the proof is destroyed."""

    id = fields.String(required=True)
    act = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)
    legal_basis = fields.String(required=True, validate=validate.OneOf(list(Basis)))
    reason = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(list(State)))
    asked_by = fields.String(required=True)
    asked_at = Instant(required=True)
    expires_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    fetched_at = Instant(required=True, allow_none=True)


class ApprovalList(Schema):
    """A page of approvals, oldest first."""

    items = fields.List(fields.Nested(ApprovalReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NoticeShown(Schema):
    """The words that were shown."""

    key = fields.String(required=True)
    version = fields.String(required=True)
    text = fields.String(required=True)
    sha256 = fields.String(required=True)


class ProvenEvent(Schema):
    """A consent event of somebody who was erased. `proof`: evidence, guardian, agent, as recorded.
    `notice` is null where no words were shown."""

    event = fields.String(required=True)
    purpose = fields.String(required=True)
    channel = fields.String(required=True, allow_none=True)
    happened_at = Instant(required=True)
    recorded_at = Instant(required=True)
    notice_version = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    touchpoint = fields.String(required=True)
    by_guardian = fields.Boolean(required=True)
    imported = fields.Boolean(required=True)
    proof = fields.Dict(required=True)
    notice = fields.Nested(NoticeShown, required=True, allow_none=True)


class ProofReply(Schema):
    """What was kept, opened this once. `readable` says the same for people."""

    approval = fields.Nested(ApprovalReply, required=True)
    kept_until = Instant(required=True)
    events = fields.List(fields.Nested(ProvenEvent), required=True)
    readable = fields.String(required=True)
