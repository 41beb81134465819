"""The token endpoint: Authlib's protocol over our own storage.

Authlib's own client look-up tells an unknown client from a wrong secret, and drops unknown
scopes; both are replaced here. Source: RFC 6749, sections 2.3.1 and 4.4; RFC 9700.
"""

import secrets
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from flask import Flask

from consent_service.kernel.errors import NotFound
from consent_service.oauth import service
from consent_service.oauth.model import ACCESS_TOKEN_LIFETIME, Client
from consent_service.web.runtime import now


class AuthenticatedClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client that has shown a live secret, as Authlib wants to see it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client.id

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Both ways of sending a secret are good for every endpoint."""
        return method in ServiceGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Services get tokens for themselves."""
        return grant_type == str(ServiceGrant.GRANT_TYPE)

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scope asked for, all of the client's when none is. Raises: InvalidScopeError."""
        asked = frozenset((scope or "").split()) or self.client.scopes
        if not asked <= self.client.scopes:
            raise InvalidScopeError()
        return " ".join(sorted(asked))


class ServiceGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Client credentials, with a refused scope being an error and not a smaller token."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def validate_requested_scope(self) -> None:
        """Raises: InvalidScopeError for any scope the client does not have."""
        self.request.client.get_allowed_scope(self.request.payload.scope)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token; `scope` always says what it is good for."""
        allowed = self.request.client.get_allowed_scope(self.request.payload.scope)
        token = {
            "token_type": "Bearer",
            "access_token": secrets.token_urlsafe(32),
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": allowed,
        }
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER


def init_app(app: Flask) -> AuthorizationServer:
    """The authorization server of an app."""
    server = AuthorizationServer(query_client=_no_lookup, save_token=_save_token)
    server.init_app(app)
    server.register_client_auth_method("client_secret_basic", _by_basic)
    server.register_client_auth_method("client_secret_post", _by_post)
    server.register_grant(ServiceGrant)
    return server


def _no_lookup(client_id: str) -> None:
    """Clients are known by their credentials only."""


def _by_basic(_: Any, request: Any) -> AuthenticatedClient | None:
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except UnicodeDecodeError:
        return None
    if client_id is None or secret is None:
        return None
    return _authenticate(unquote_plus(client_id), unquote_plus(secret))


def _by_post(_: Any, request: Any) -> AuthenticatedClient | None:
    form = request.form
    if request.headers.get("Authorization") or not form.get("client_secret"):
        return None
    return _authenticate(form.get("client_id", ""), form["client_secret"])


def _authenticate(client_id: str, secret: str) -> AuthenticatedClient | None:
    client = service.authenticate_client(client_id, secret, now())
    return None if client is None else AuthenticatedClient(client)


def _save_token(token: dict[str, Any], request: Any) -> None:
    try:
        service.issue_token(
            token["access_token"],
            request.client.get_client_id(),
            frozenset(token["scope"].split()),
            now(),
        )
    except NotFound:
        raise InvalidClientError() from None
