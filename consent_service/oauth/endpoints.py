"""Revocation (RFC 7009) and introspection (RFC 7662): a client's own tokens, by the client."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import grant_service
from consent_service.oauth.clients_auth import METHODS, AuthenticatedClient
from consent_service.oauth.grant_model import TokenFacts
from consent_service.oauth.model import subject
from consent_service.web.runtime import now, runtime


class _Checked:
    """What both want of a request. An unknown hint is no hint (RFC 7009, section 2.1)."""

    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: Any, client: AuthenticatedClient) -> None:
        """Raises: InvalidRequestError."""
        if not request.form.get("token"):
            raise InvalidRequestError("Send token.")


class Revocation(_Checked, RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """An unknown token is revoked already; another client's is refused."""

    ENDPOINT_NAME = "revoke"

    def authenticate_token(self, request: Any, client: AuthenticatedClient) -> str:
        """The token, as it came. Raises: InvalidGrantError when it is another client's."""
        self.check_params(request, client)
        token = str(request.form["token"])
        facts = grant_service.find_facts(token, now())
        if facts is not None and facts.client_id != client.get_client_id():
            raise InvalidGrantError()
        return token

    def revoke_token(self, token: str, request: Any) -> None:
        """Ends it."""
        grant_service.revoke(token, request.client.get_client_id())


class Introspection(_Checked, IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    """What a client may not know of is told like what does not exist."""

    ENDPOINT_NAME = "introspect"

    def authenticate_token(self, request: Any, client: AuthenticatedClient) -> TokenFacts | None:
        """What is known of the token, for this client to know."""
        self.check_params(request, client)
        facts = grant_service.find_facts(str(request.form["token"]), now())
        if facts is None or not grant_service.may_inspect(client.client, facts):
            return None
        return facts

    def create_introspection_payload(self, token: TokenFacts | None) -> dict[str, Any]:
        """The answer."""
        if token is None:
            return {"active": False}
        customer = None if token.customer_id is None else customer_id_text(token.customer_id)
        base = runtime().settings.base_url
        return {
            "active": True,
            "client_id": token.client_id,
            "sub": subject(token.client_id, customer),
            "scope": " ".join(sorted(token.scopes)),
            **({} if token.is_refresh else {"token_type": "Bearer"}),
            "iss": base,
            "aud": base,
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
        }
