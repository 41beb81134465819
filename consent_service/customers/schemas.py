"""Shapes of the customers API."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from consent_service.customers.model import (
    AgeBand,
    Changes,
    Identifier,
    IdentifierType,
    NewCustomer,
    ProfileValue,
)
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.web import ownership
from consent_service.web.contracts import (
    JURISDICTION,
    KEY,
    LANGUAGE,
    Contract,
    CustomerIdField,
    Entries,
    Pattern,
    text,
)

_PROFILE_NAME = validate.And(validate.Length(1, 40), Pattern(r"^[a-z][a-z0-9_]*$"))


class IdentifierBody(Contract):
    """What finds a customer. Phone numbers are in international form."""

    type = fields.String(required=True, validate=validate.OneOf(list(IdentifierType)))
    value = fields.String(required=True, validate=text(320))
    source = fields.String(validate=KEY)

    @post_load
    def build(self, loaded: dict[str, Any], **_: Any) -> Identifier:
        """The normalised identifier."""
        kind = IdentifierType(loaded["type"])
        try:
            return identifier(kind, loaded["value"], loaded.get("source"))
        except NotUsable as error:
            raise ValidationError(str(error).capitalize() + ".", "value") from None


class FinderBody(IdentifierBody):
    """An identifier to find somebody by."""

    class Meta(Contract.Meta):
        exclude = ("source",)

    @post_load
    def build(self, loaded: dict[str, Any], **_: Any) -> Identifier:
        """The normalised identifier. Raises: NotFound with a customer's token."""
        ownership.reach_by_identifier()
        made: Identifier = super().build(loaded)
        return made


class LookupBody(Contract):
    """Whom to look up."""

    identifier = fields.Nested(FinderBody, required=True)


def _identifiers(**kwargs: Any) -> fields.Field[Any]:
    return fields.List(
        fields.Nested(IdentifierBody), validate=[validate.Length(0, 20), _distinct], **kwargs
    )


def _distinct(found: list[Identifier]) -> None:
    if len({(i.type, i.value) for i in found}) != len(found):
        raise ValidationError("An identifier stands twice.")


class CustomerBody(Contract):
    """A customer to add."""

    identifiers = _identifiers(load_default=list)
    profile = Entries(
        keys=fields.String(validate=_PROFILE_NAME),
        values=fields.String(validate=text(500)),
        validate=validate.Length(0, 40),
        load_default=dict,
    )
    jurisdiction = fields.String(validate=JURISDICTION)
    language = fields.String(validate=LANGUAGE)
    age_band = fields.String(validate=validate.OneOf(list(AgeBand)))

    @post_load
    def build(self, loaded: dict[str, Any], **_: Any) -> NewCustomer:
        """As a value; what the API writes has no data source of its own."""
        band = loaded.get("age_band")
        return NewCustomer(
            tuple(loaded["identifiers"]),
            {name: ProfileValue(value, None) for name, value in loaded["profile"].items()},
            loaded.get("jurisdiction"),
            loaded.get("language"),
            None if band is None else AgeBand(band),
        )


# What finds a person, and what rules go by: not for an app to change in the customer's name.
_NOT_BY_APPS = frozenset({"identifiers", "jurisdiction", "age_band"})


class CustomerPatch(Contract):
    """Changes (RFC 7396): what is left out stays, null removes, `identifiers` is the whole list."""

    identifiers = _identifiers()
    profile = Entries(
        keys=fields.String(validate=_PROFILE_NAME),
        values=fields.String(validate=text(500), allow_none=True),
        validate=validate.Length(0, 40),
    )
    jurisdiction = fields.String(validate=JURISDICTION, allow_none=True)
    language = fields.String(validate=LANGUAGE, allow_none=True)
    age_band = fields.String(validate=validate.OneOf(list(AgeBand)), allow_none=True)

    @post_load
    def build(self, loaded: dict[str, Any], **_: Any) -> Changes:
        """As a value."""
        ownership.refuse_fields(loaded, _NOT_BY_APPS)
        facts = ("jurisdiction", "language", "age_band")
        cleared = frozenset(name for name in facts if name in loaded and loaded[name] is None)
        profile = loaded.get("profile") or None
        band = loaded.get("age_band")
        return Changes(
            tuple(loaded["identifiers"]) if "identifiers" in loaded else None,
            None
            if profile is None
            else {
                name: None if value is None else ProfileValue(value, None)
                for name, value in profile.items()
            },
            loaded.get("jurisdiction"),
            loaded.get("language"),
            None if band is None else AgeBand(band),
            cleared,
        )


class CustomerIdReply(Schema):
    """Who it is."""

    id = CustomerIdField(required=True)


class IdentifierReply(Schema):
    """An identifier and where it came from."""

    type = fields.String(required=True)
    value = fields.String(required=True)
    source = fields.String(required=True, allow_none=True)


class ProfileValueReply(Schema):
    """A profile field and where it came from."""

    value = fields.String(required=True)
    source = fields.String(required=True, allow_none=True)


class CustomerReply(Schema):
    """A customer, opened."""

    id = CustomerIdField(required=True)
    revision = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    jurisdiction = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    age_band = fields.String(required=True, allow_none=True)
    restricted = fields.Boolean(required=True)
    gpc_since = fields.DateTime(required=True, allow_none=True)
    identifiers = fields.List(fields.Nested(IdentifierReply), required=True)
    profile = fields.Dict(values=fields.Nested(ProfileValueReply), required=True)
