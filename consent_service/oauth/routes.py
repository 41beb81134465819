"""The OAuth endpoints: token, revocation, introspection, keys, metadata. Errors have the bodies
of RFC 6749. Where customers answer is in `pages`."""

from collections.abc import Callable
from typing import TypeVar

from flask import Response, current_app
from marshmallow import Schema

from consent_service.crypto import signing
from consent_service.oauth.client_keys import ALGORITHMS
from consent_service.oauth.clients_auth import METHODS
from consent_service.oauth.model import Scope
from consent_service.oauth.schemas import (
    IntrospectionReply,
    JsonWebKeySet,
    NothingReply,
    OAuthError,
    OneTokenForm,
    ServerMetadata,
    TokenForm,
    TokenReply,
)
from consent_service.oauth.server import GRANT_TYPES, Server
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys, runtime

api = Routes("oauth", "Tokens for clients, and the keys that verify what we sign")

SERVER = "consent.oauth_server"
_MAX_FORM = 16 * 1024

View = TypeVar("View", bound=Callable[..., Response])


def _for_clients(form: type[Schema]) -> Callable[[View], View]:
    """Documents what an endpoint for clients takes, and how it refuses."""

    def wrap(view: View) -> View:
        body = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
        view = api.document(requestBody=body, security=[{"client": []}, {}])(view)
        view = api.reply(400, OAuthError, "The request is refused", "application/json")(view)
        view = api.reply(401, OAuthError, "The client is not known", "application/json")(view)
        return api.reply(429, OAuthError, "Too often; see Retry-After", "application/json")(view)

    return wrap


def _server() -> Server:
    found = current_app.extensions[SERVER]
    assert isinstance(found, Server)
    return found


@api.route("/oauth/token", "POST", max_body=_MAX_FORM)
@_for_clients(TokenForm)
@api.reply(200, TokenReply, "A token")
def issue_token() -> Response:
    """Issue tokens to a client that shows who it is: for itself, or for a customer."""
    return _server().answer_token()


@api.route("/oauth/revoke", "POST", max_body=_MAX_FORM)
@_for_clients(OneTokenForm)
@api.reply(200, NothingReply, "It is dead at the next request")
def revoke_token() -> Response:
    """Revoke a token of the client's own; for a refresh token, all that come of it (RFC 7009)."""
    return _server().answer_endpoint("revoke")


@api.route("/oauth/introspect", "POST", max_body=_MAX_FORM)
@_for_clients(OneTokenForm)
@api.reply(200, IntrospectionReply, "What is known of it")
def introspect_token() -> Response:
    """Tell about a token of the client's own; with clients:manage, about any (RFC 7662)."""
    return _server().answer_endpoint("introspect")


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
    methods = {
        f"{endpoint}_endpoint_auth_{what}_supported": list(values)
        for endpoint in ("token", "revocation", "introspection")
        for what, values in (("methods", METHODS), ("signing_alg_values", ALGORITHMS))
    }
    return Reply(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "introspection_endpoint": f"{base}/oauth/introspect",
            "jwks_uri": f"{base}/oauth/jwks.json",
            "grant_types_supported": list(GRANT_TYPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": [scope.value for scope in Scope],
            **methods,
        }
    )
