"""Shapes of the OAuth endpoints, for the document: requests are Authlib's to read."""

from marshmallow import Schema, fields


class TokenForm(Schema):
    """A token request (RFC 6749, section 4.4.2). The secret goes here or by HTTP Basic."""

    grant_type = fields.String(required=True, metadata={"enum": ["client_credentials"]})
    scope = fields.String(metadata={"description": "Space separated; if left out, all"})
    client_id = fields.String()
    client_secret = fields.String()


class TokenReply(Schema):
    """An access token, opaque, good for `expires_in` seconds."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    scope = fields.String(required=True)


class OAuthError(Schema):
    """RFC 6749, section 5.2."""

    error = fields.String(required=True)
    error_description = fields.String()


class JsonWebKeySet(Schema):
    """RFC 7517: keys that verify receipts and decision statements."""

    keys = fields.List(fields.Dict(), required=True)


class ServerMetadata(Schema):
    """RFC 8414."""

    issuer = fields.String(required=True)
    token_endpoint = fields.String(required=True)
    jwks_uri = fields.String(required=True)
    grant_types_supported = fields.List(fields.String(), required=True)
    response_types_supported = fields.List(fields.String(), required=True)
    token_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    scopes_supported = fields.List(fields.String(), required=True)
