"""What a customer allowed an app, and what comes of it: a code, then tokens. No I/O."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from consent_service.kernel.ids import CustomerId

CODE_LIFETIME = timedelta(seconds=60)
GRANT_LIFETIME = timedelta(days=90)  # a refresh token's absolute end too: asked again after it
SIBLING_WITHIN = timedelta(seconds=10)
CODE_KEPT = timedelta(days=1)

_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


@dataclass(frozen=True, slots=True)
class CustomerGrant:
    """What a customer allowed a client, since when and until when."""

    customer_id: CustomerId
    client_id: str
    scopes: frozenset[str]
    allowed_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it still holds."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code as kept: `family` names the tokens it makes."""

    family: UUID
    client_id: str
    customer_id: CustomerId
    redirect_uri: str
    scopes: frozenset[str]
    code_challenge: str
    issued_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as kept. `expires_at` is the family's and never moves."""

    sha256: bytes
    family: UUID
    parent: bytes | None
    client_id: str
    customer_id: CustomerId
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    replaced_at: datetime | None = None
    sibling_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client is given, in the clear, this once."""

    access: str
    refresh: str
    scopes: frozenset[str]
    expires_in: int

    def __repr__(self) -> str:
        return "Tokens(redacted)"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What introspection tells of a live token."""

    client_id: str
    customer_id: CustomerId | None
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    family: UUID | None
    is_refresh: bool


def is_challenge(text: str) -> bool:
    """Whether it can be a SHA-256, base64url. Source: RFC 7636, section 4.2."""
    return _CHALLENGE.fullmatch(text) is not None


def fits(verifier: str, challenge: str) -> bool:
    """Whether a code verifier is the one of an S256 challenge. Source: RFC 7636, section 4.6."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(made.rstrip(b"="), challenge.encode())
