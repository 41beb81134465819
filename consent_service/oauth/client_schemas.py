"""Shapes of the clients API and of what customers allowed."""

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from consent_service.oauth.client_keys import checked_jwks
from consent_service.oauth.model import AuthMethod, ClientChanges, ClientKind, Scope
from consent_service.web.contracts import KEY, Contract, CustomerIdField, text

_MAX_OVERLAP_HOURS = 24 * 30


def _scopes(**options: Any) -> fields.Field[Any]:
    one = fields.String(validate=validate.OneOf([scope.value for scope in Scope]))
    return fields.List(one, validate=validate.Length(1, len(Scope)), **options)


def _recipients(**options: Any) -> fields.Field[Any]:
    return fields.List(fields.String(validate=KEY), validate=validate.Length(0, 50), **options)


def _addresses(**options: Any) -> fields.Field[Any]:
    one = fields.String(validate=text(500))
    return fields.List(one, validate=validate.Length(0, 20), **options)


_JWKS = {"description": "Public keys (RFC 7517): EC P-256, Ed25519, RSA. For private_key_jwt."}


class ClientBody(Contract):
    """A client to register. With `jwks` it signs assertions; else it is given a secret."""

    client_id = fields.String(required=True, validate=text(64, 2))
    name = fields.String(required=True, validate=text(200))
    kind = fields.String(
        load_default=ClientKind.SERVICE.value, validate=validate.OneOf(list(ClientKind))
    )
    scopes = _scopes(required=True)
    recipients = _recipients(load_default=list)
    redirect_uris = _addresses(load_default=list)
    jwks = fields.Dict(keys=fields.String(), metadata=_JWKS)


class ClientPatch(Contract):
    """Changes; what is left out stays. What a client holds of rights it had is dead at its next
    request."""

    name = fields.String(validate=text(200))
    scopes = _scopes()
    recipients = _recipients()
    redirect_uris = _addresses()
    jwks = fields.Dict(keys=fields.String(), metadata=_JWKS)
    disabled = fields.Boolean(truthy={True}, falsy={False})

    @post_load
    def build(self, loaded: dict[str, Any], **_: Any) -> ClientChanges:
        """As a value. Raises: Invalid."""
        return ClientChanges(
            loaded.get("name"),
            frozenset(loaded["scopes"]) if "scopes" in loaded else None,
            tuple(loaded["recipients"]) if "recipients" in loaded else None,
            tuple(loaded["redirect_uris"]) if "redirect_uris" in loaded else None,
            checked_jwks(loaded["jwks"]) if "jwks" in loaded else None,
            loaded.get("disabled"),
        )


class SecretBody(Contract):
    """How long the secrets before still work."""

    overlap_hours = fields.Integer(
        load_default=24, strict=True, validate=validate.Range(0, _MAX_OVERLAP_HOURS)
    )


class ClientReply(Schema):
    """A client. Its secret is nowhere to be read."""

    client_id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(ClientKind)))
    auth_method = fields.String(required=True, validate=validate.OneOf(list(AuthMethod)))
    scopes = fields.List(fields.String(), required=True)
    recipients = fields.List(fields.String(), required=True)
    redirect_uris = fields.List(fields.String(), required=True)
    jwks = fields.Dict(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    disabled_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)


class NewClientReply(ClientReply):
    """The new client and its secret, shown this once; null for one that signs."""

    client_secret = fields.String(required=True, allow_none=True)


class SecretReply(Schema):
    """A secret, shown this once."""

    client_id = fields.String(required=True)
    client_secret = fields.String(required=True)


class ClientList(Schema):
    """Every client."""

    items = fields.List(fields.Nested(ClientReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class GrantReply(Schema):
    """What a customer allowed an app. `name` is null when the app is no more."""

    customer_id = CustomerIdField(required=True)
    client_id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    scopes = fields.List(fields.String(), required=True)
    allowed_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)


class GrantList(Schema):
    """Every app that a customer allowed, ended or not."""

    items = fields.List(fields.Nested(GrantReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
