"""The authorization server: Authlib's protocol over our own storage.

What Authlib leaves open is decided here: lifetimes are ours, unknown scopes are refused and not
dropped, redeeming and minting are one transaction. Source: RFC 6749, RFC 9700.
"""

import secrets
from datetime import timedelta
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749.errors import InsecureTransportError, InvalidClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Flask, Response, request

from consent_service.kernel.errors import NotFound, TooMany
from consent_service.oauth import clients_auth, service
from consent_service.oauth.clients_auth import METHODS
from consent_service.oauth.endpoints import Introspection, Revocation
from consent_service.oauth.grants import CodeGrant, RefreshGrant
from consent_service.oauth.model import ACCESS_TOKEN_LIFETIME
from consent_service.web.runtime import now
from consent_service.web.throttling import Budget, ClientBudget, admit_address, admit_client

_BUDGETS = {"token": ClientBudget.TOKENS, "introspect": ClientBudget.READS}
# Source: ASVS 6.3.1. Secrets are too long to be guessed; this keeps the trying cheap for us.
_FAILURES = Budget("oauth.failures", 60, timedelta(minutes=10))

GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token")


class UnknownClient(InvalidClientError):  # type: ignore[misc]  # Authlib has no types
    """A client that has not shown who it is; what is wrong with it is not told.
    Source: RFC 6749, section 5.2; RFC 7617, section 2."""

    description = "Unknown client, or not its secret or assertion."
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        """Those of any error, and a challenge, out of which clients read what is wrong."""
        challenge = ("WWW-Authenticate", 'Basic realm="consent", error="invalid_client"')
        return [*OAuth2Error.get_headers(self), challenge]


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server. Plain http from elsewhere is a refused request, not a crash."""

    def answer_token(self) -> Response:
        """The token endpoint's answer to the present request."""
        return self._answer(self.create_token_response)

    def answer_endpoint(self, name: str) -> Response:
        """The answer of another endpoint to the present request."""
        return self._answer(lambda: self.create_endpoint_response(name))

    def get_token_grant(self, request: Any) -> Any:
        """The grant that is asked for. Raises: OAuth2Error."""
        named = request.form.get("grant_type")
        if not named:
            raise _invalid_request("Send grant_type.")
        if named not in GRANT_TYPES:
            raise _error("unsupported_grant_type", 400, f"Grants are {', '.join(GRANT_TYPES)}.")
        return super().get_token_grant(request)

    def authenticate_client(self, request: Any, methods: Any, endpoint: str = "token") -> Any:
        """The client of a request, counted. Ending a token is never held up.
        Raises: UnknownClient, TooMany."""
        try:
            client = super().authenticate_client(request, methods, endpoint)
        except InvalidClientError:
            raise UnknownClient() from None
        budget = _BUDGETS.get(endpoint)
        if budget is not None:
            admit_client(client.get_client_id(), budget)
        return client

    def _answer(self, act: Any) -> Response:
        try:
            response = self._tried(act)
            if response.status_code == 401:
                admit_address(_FAILURES)
        except TooMany as error:
            response = self.handle_response(*_error("temporarily_unavailable", 429, error.detail)())
            response.headers["Retry-After"] = str(error.retry_after)
        response.headers.setdefault("Content-Type", "application/json")
        response.headers.setdefault("Pragma", "no-cache")
        return response

    def _tried(self, act: Any) -> Response:
        try:
            _refuse_repeats()
            response: Response = act()
        except InsecureTransportError:
            response = self.handle_response(*_invalid_request("Use https.")())
        except OAuth2Error as error:
            response = self.handle_response(*error())
        return response


class ServiceGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Client credentials, with a refused scope being an error and not a smaller token."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        """Raises: InvalidScopeError for any scope the client does not have."""
        self.request.client.get_allowed_scope(self.request.form.get("scope"))

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token; `scope` always says what it is good for."""
        allowed = self.request.client.get_allowed_scope(self.request.form.get("scope"))
        token = {
            "token_type": "Bearer",
            "access_token": secrets.token_urlsafe(32),
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": allowed,
        }
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER


def init_app(app: Flask) -> Server:
    """The authorization server of an app."""
    server = Server(query_client=_no_lookup, save_token=_save_token)
    server.init_app(app)
    clients_auth.register(server)
    for grant in (ServiceGrant, CodeGrant, RefreshGrant):
        server.register_grant(grant)
    for endpoint in (Revocation, Introspection):
        server.register_endpoint(endpoint)
    return server


def _no_lookup(client_id: str) -> None:
    """Clients are known by their credentials only."""


def _refuse_repeats() -> None:
    """RFC 6749, section 3.2: no parameter more than once."""
    if any(len(values) > 1 for _, values in request.form.lists()):
        raise _invalid_request("A parameter stands more than once.")


def _invalid_request(description: str) -> OAuth2Error:
    return _error("invalid_request", 400, description)


def _error(code: str, status: int, description: str) -> OAuth2Error:
    return OAuth2Error(error=code, description=description, status_code=status)


def _save_token(token: dict[str, Any], asked: Any) -> None:
    try:
        service.issue_token(
            token["access_token"],
            asked.client.get_client_id(),
            frozenset(token["scope"].split()),
            now(),
        )
    except NotFound:
        raise UnknownClient() from None
