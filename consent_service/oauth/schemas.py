"""Shapes of the OAuth endpoints, for the document: requests are Authlib's to read."""

from typing import Any

from marshmallow import Schema, fields


class ClientForm(Schema):
    """How a client shows who it is: a secret, here or by HTTP Basic, or an assertion (RFC 7523)."""

    client_id = fields.String()
    client_secret = fields.String()
    client_assertion_type = fields.String(
        metadata={"enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]}
    )
    client_assertion = fields.String()


class TokenForm(ClientForm):
    """A token request (RFC 6749, sections 4.1.3, 4.4.2 and 6)."""

    grant_type = fields.String(
        required=True,
        metadata={"enum": ["client_credentials", "authorization_code", "refresh_token"]},
    )
    scope = fields.String(metadata={"description": "Space separated; if left out, all"})
    code = fields.String()
    redirect_uri = fields.String()
    code_verifier = fields.String(metadata={"description": "RFC 7636, of the S256 challenge"})
    refresh_token = fields.String()


class OneTokenForm(ClientForm):
    """A token to revoke or to tell about."""

    token = fields.String(required=True)
    token_type_hint = fields.String()


class TokenReply(Schema):
    """An access token, opaque, good for `expires_in` seconds; for a customer, with a refresh
    token that is good once."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    scope = fields.String(required=True)
    refresh_token = fields.String()


class NothingReply(Schema):
    """An empty object."""


class IntrospectionReply(Schema):
    """RFC 7662, section 2.2. `sub` is `client:…`, or the customer's id, `cus_…`."""

    active = fields.Boolean(required=True)
    client_id = fields.String()
    sub = fields.String()
    scope = fields.String()
    token_type = fields.String()
    iss = fields.String()
    aud = fields.String()
    iat = fields.Integer()
    exp = fields.Integer()


class OAuthError(Schema):
    """RFC 6749, section 5.2."""

    error = fields.String(required=True)
    error_description = fields.String()


class JsonWebKeySet(Schema):
    """RFC 7517: keys that verify receipts and decision statements."""

    keys = fields.List(fields.Dict(), required=True)


def _texts() -> fields.Field[Any]:
    return fields.List(fields.String(), required=True)


class ServerMetadata(Schema):
    """RFC 8414, and RFC 9207 for `iss` in authorization answers."""

    issuer = fields.String(required=True)
    authorization_endpoint = fields.String(required=True)
    token_endpoint = fields.String(required=True)
    revocation_endpoint = fields.String(required=True)
    introspection_endpoint = fields.String(required=True)
    jwks_uri = fields.String(required=True)
    grant_types_supported = _texts()
    response_types_supported = _texts()
    response_modes_supported = _texts()
    code_challenge_methods_supported = _texts()
    authorization_response_iss_parameter_supported = fields.Boolean(required=True)
    scopes_supported = _texts()
    token_endpoint_auth_methods_supported = _texts()
    token_endpoint_auth_signing_alg_values_supported = _texts()
    revocation_endpoint_auth_methods_supported = _texts()
    revocation_endpoint_auth_signing_alg_values_supported = _texts()
    introspection_endpoint_auth_methods_supported = _texts()
    introspection_endpoint_auth_signing_alg_values_supported = _texts()
