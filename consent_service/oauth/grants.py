"""The two grants by which apps get tokens for a customer. Authlib finds and authenticates; the
checks and the minting are `grant_service`'s, in one transaction.
Source: RFC 6749, sections 4.1 and 6; RFC 7636; RFC 9207.
"""

from typing import Any

from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant

from consent_service.kernel.errors import Invalid
from consent_service.oauth import grant_service
from consent_service.oauth.clients_auth import METHODS
from consent_service.oauth.grant_model import Tokens
from consent_service.web.runtime import now

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """A code for tokens, with the verifier of its S256 challenge, whoever the client is."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    @classmethod
    def check_authorization_endpoint(cls, request: Any) -> bool:
        """The authorization endpoint is `pages`' own."""
        return False

    def validate_token_request(self) -> None:
        """Raises: OAuth2Error when the request cannot be meant."""
        self.request.client = _client_for(self)
        for name in ("code", "redirect_uri", "code_verifier"):
            if not self.request.form.get(name):
                raise InvalidRequestError(f"Send {name}.")

    def create_token_response(self) -> Answer:
        """The tokens. Raises: InvalidGrantError."""
        form = self.request.form
        made = grant_service.redeem_code(
            form["code"],
            self.request.client.get_client_id(),
            form["redirect_uri"],
            form["code_verifier"],
            now(),
        )
        return _answer(made, self.TOKEN_RESPONSE_HEADER)


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """A refresh token for new tokens, itself replaced."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        """Raises: OAuth2Error when the request cannot be meant."""
        self.request.client = _client_for(self)
        if not self.request.form.get("refresh_token"):
            raise InvalidRequestError("Send refresh_token.")

    def create_token_response(self) -> Answer:
        """The tokens. Raises: InvalidGrantError, InvalidScopeError."""
        form = self.request.form
        wanted = frozenset(form.get("scope", "").split())
        client_id = self.request.client.get_client_id()
        try:
            made = grant_service.refresh(form["refresh_token"], client_id, wanted, now())
        except Invalid:
            raise InvalidScopeError() from None
        return _answer(made, self.TOKEN_RESPONSE_HEADER)


def _client_for(grant: Any) -> Any:
    client = grant.authenticate_token_endpoint_client()
    if not client.check_grant_type(grant.GRANT_TYPE):
        raise UnauthorizedClientError()
    return client


def _answer(made: Tokens | None, headers: list[tuple[str, str]]) -> Answer:
    if made is None:
        raise InvalidGrantError()
    body = {
        "token_type": "Bearer",
        "access_token": made.access,
        "refresh_token": made.refresh,
        "expires_in": made.expires_in,
        "scope": " ".join(sorted(made.scopes)),
    }
    return 200, body, headers
