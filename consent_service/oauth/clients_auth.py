"""How clients show who they are: by a secret, or by an assertion they sign.

Authlib's own look-up tells an unknown client from a wrong secret; here all failures are alike.
Source: RFC 6749, section 2.3.1; RFC 7523, section 2.2.
"""

from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from consent_service.oauth import client_keys, service
from consent_service.oauth.model import Client, ClientKind
from consent_service.web.runtime import now, runtime

METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANTS = {
    ClientKind.SERVICE: ("client_credentials",),
    ClientKind.APP: ("authorization_code", "refresh_token"),
}
ENDPOINTS = ("token", "revoke", "introspect")


class AuthenticatedClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client that has shown who it is, as Authlib wants to see it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client.id

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every method is good for every endpoint; which one a client has was checked."""
        return method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Services get tokens for themselves, apps for customers."""
        return grant_type in GRANTS[self.client.kind]

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scope asked for, all of the client's when none is. Raises: InvalidScopeError."""
        return " ".join(sorted(allowed_scopes(self.client, scope)))


def allowed_scopes(client: Client, scope: str | None) -> frozenset[str]:
    """The scopes asked for, all of the client's when none is. Raises: InvalidScopeError."""
    asked = frozenset((scope or "").split()) or client.scopes
    if not asked <= client.scopes:
        raise InvalidScopeError()
    return asked


def register(server: AuthorizationServer) -> None:
    """Teaches an authorization server the three methods."""
    server.register_client_auth_method("client_secret_basic", _by_basic)
    server.register_client_auth_method("client_secret_post", _by_post)
    server.register_client_auth_method("private_key_jwt", _by_assertion)


def _by_basic(_: Any, request: Any) -> AuthenticatedClient | None:
    if "client_assertion" in request.form:
        return None
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except UnicodeDecodeError:
        return None
    if client_id is None or secret is None:
        return None
    client_id = unquote_plus(client_id)
    if request.form.get("client_id", client_id) != client_id:
        return None
    return _known(service.authenticate_client(client_id, unquote_plus(secret), now()))


def _by_post(_: Any, request: Any) -> AuthenticatedClient | None:
    form = request.form
    if request.headers.get("Authorization") or not form.get("client_secret"):
        return None
    if "client_assertion" in form:
        return None
    return _known(
        service.authenticate_client(form.get("client_id", ""), form["client_secret"], now())
    )


def _by_assertion(_: Any, request: Any) -> AuthenticatedClient | None:
    form = request.form
    if request.headers.get("Authorization") or "client_secret" in form:
        return None
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return None
    found = client_keys.read_assertion(form.get("client_assertion", ""))
    if found is None or form.get("client_id", found.client_id) != found.client_id:
        return None
    base, moment = runtime().settings.base_url, now()
    audiences = frozenset({base, *(f"{base}/oauth/{name}" for name in ENDPOINTS)})
    return _known(
        service.authenticate_by_assertion(
            found.client_id,
            lambda client: client_keys.verify(found, client.jwks, audiences, moment),
            moment,
        )
    )


def _known(client: Client | None) -> AuthenticatedClient | None:
    return None if client is None else AuthenticatedClient(client)
