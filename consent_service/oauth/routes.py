"""The OAuth endpoints: token, keys, metadata. Errors have the bodies of RFC 6749."""

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Response, current_app, request

from consent_service.crypto import signing
from consent_service.oauth.model import Scope
from consent_service.oauth.schemas import (
    JsonWebKeySet,
    OAuthError,
    ServerMetadata,
    TokenForm,
    TokenReply,
)
from consent_service.oauth.server import ServiceGrant
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys, runtime

api = Routes("oauth", "Tokens for clients, and the keys that verify what we sign")

SERVER = "consent.oauth_server"


@api.route("/oauth/token", "POST", max_body=8 * 1024)
@api.document(
    requestBody={"content": {"application/x-www-form-urlencoded": {"schema": TokenForm}}},
    security=[{"client": []}, {}],
)
@api.reply(200, TokenReply, "A token")
@api.reply(400, OAuthError, "The request is refused", "application/json")
@api.reply(401, OAuthError, "The client is not authenticated", "application/json")
def issue_token() -> Response:
    """Issue an access token to a client that shows its secret."""
    server = current_app.extensions[SERVER]
    if any(len(values) > 1 for _, values in request.form.lists()):
        error = InvalidRequestError("A parameter stands more than once.")
        made: Response = server.handle_response(*error())
        return made
    response: Response = server.create_token_response()
    response.headers.setdefault("Content-Type", "application/json")
    return response


@api.route("/oauth/jwks.json", "GET")
@api.reply(200, JsonWebKeySet, "Public keys")
def show_keys() -> Reply:
    """The public keys that verify receipts and decision statements."""
    return Reply(signing.jwks(keys()), headers={"Cache-Control": "public, max-age=300"})


@api.route("/.well-known/oauth-authorization-server", "GET")
@api.reply(200, ServerMetadata, "Metadata")
def show_metadata() -> Reply:
    """What this authorization server can do (RFC 8414)."""
    base = runtime().settings.base_url
    return Reply(
        {
            "issuer": base,
            "token_endpoint": f"{base}/oauth/token",
            "jwks_uri": f"{base}/oauth/jwks.json",
            "grant_types_supported": [ServiceGrant.GRANT_TYPE],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": list(ServiceGrant.TOKEN_ENDPOINT_AUTH_METHODS),
            "scopes_supported": [scope.value for scope in Scope],
        }
    )
