"""Shapes of the disclosures API."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from consent_service.catalogue.model import Party
from consent_service.decisions.model import Outcome
from consent_service.disclosures.model import KINDS
from consent_service.web.contracts import KEY, Contract, CustomerIdField, Instant, PageQuery, text

_LARGEST = 2**62


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


class CheckpointQuery(Contract):
    """Which checkpoint: the newest, or the newest that a witness co-signed."""

    witnessed = fields.Boolean(load_default=False)


class InclusionQuery(Contract):
    """Which leaf, in the tree of which size."""

    index = fields.Integer(required=True, validate=validate.Range(0, _LARGEST))
    size = fields.Integer(required=True, validate=validate.Range(1, _LARGEST))


class ConsistencyQuery(Contract):
    """The sizes of two trees."""

    first = fields.Integer(required=True, validate=validate.Range(1, _LARGEST))
    second = fields.Integer(required=True, validate=validate.Range(1, _LARGEST))


class PackQuery(Contract):
    """Where the pack starts."""

    since = fields.Integer(load_default=0, validate=validate.Range(0, _LARGEST))


class HashList(Schema):
    """A proof: base64 of hashes, the leaf's side first."""

    hashes = fields.List(fields.String(), required=True)


class OwnDisclosureItem(DisclosureItem):
    """An entry of one customer, and what it says in plain words. `screening_id` is the audience
    that a use rests on, where it rests on one."""

    screening_id = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)


class OwnDisclosureList(Schema):
    """A page of one customer's entries, oldest first."""

    items = fields.List(fields.Nested(OwnDisclosureItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SourceItem(Schema):
    """What came from a source: types of identifiers, names of profile fields, no value. `source`
    is null where nobody said; `party` and `text` are null where the catalogue does not know it."""

    source = fields.String(required=True, allow_none=True)
    party = fields.String(required=True, allow_none=True, validate=validate.OneOf([*Party, None]))
    text = fields.String(required=True, allow_none=True)
    identifiers = fields.List(fields.String(), required=True)
    profile = fields.List(fields.String(), required=True)


class SourceList(Schema):
    """Every source of what is known of a customer."""

    items = fields.List(fields.Nested(SourceItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UseBody(Contract):
    """A use or sharing that happened, and the check or screening it rests on."""

    decision_id = fields.String(validate=text(100))
    screening_id = fields.String(validate=text(100))
    data_categories = fields.List(
        fields.String(validate=KEY), required=True, validate=validate.Length(1, 50)
    )
    recipient = fields.String(required=True, validate=KEY)
    touchpoint = fields.String(required=True, validate=KEY)
    occurred_at = Instant(required=True)

    @validates_schema
    def check_basis(self, loaded: dict[str, Any], **_: Any) -> None:
        """One of the two."""
        if ("decision_id" in loaded) == ("screening_id" in loaded):
            raise ValidationError("Name one of decision_id and screening_id.", "decision_id")


class UseReply(Schema):
    """What was logged. `deny` is a breach: not what the decision had permitted, and `reason` is
    one of `breach_…`."""

    id = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(list(Outcome)))
    reason = fields.String(required=True)
    recorded_at = Instant(required=True)
