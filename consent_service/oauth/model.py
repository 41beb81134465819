"""What a client is and may do. No I/O."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct

from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.ids import CustomerId

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)


class Scope(StrEnum):
    """Every scope of the API. Source: DESIGN.md section 3."""

    CATALOGUE_READ = "catalogue:read"
    CATALOGUE_WRITE = "catalogue:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    DECISIONS_CHECK = "decisions:check"
    DISCLOSURES_READ = "disclosures:read"
    DISCLOSURES_WRITE = "disclosures:write"
    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    REQUESTS_DECIDE = "requests:decide"
    PACKAGES_READ = "packages:read"
    RECIPIENTS_CONFIRM = "recipients:confirm"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    WEBHOOKS_MANAGE = "webhooks:manage"
    CHANGES_READ = "changes:read"
    CLIENTS_MANAGE = "clients:manage"
    REPORTS_READ = "reports:read"


# What a customer can allow an app: things about themselves, and the catalogue.
CUSTOMER_SCOPES = frozenset(
    {
        Scope.CATALOGUE_READ.value,
        Scope.CUSTOMERS_READ.value,
        Scope.CUSTOMERS_WRITE.value,
        Scope.CONSENTS_READ.value,
        Scope.CONSENTS_WRITE.value,
        Scope.DECISIONS_CHECK.value,
        Scope.DISCLOSURES_READ.value,
        Scope.REQUESTS_READ.value,
        Scope.REQUESTS_WRITE.value,
        Scope.PACKAGES_READ.value,
    }
)


class ClientKind(StrEnum):
    """A service gets tokens for itself; an app for a customer who allowed it, and no others."""

    SERVICE = "service"
    APP = "app"


class AuthMethod(StrEnum):
    """How a client shows who it is. Every client does: there are no public ones."""

    SECRET = "client_secret"  # noqa: S105  # a word, no secret
    PRIVATE_KEY_JWT = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. `recipients` are those it asks for; the first one when it names none."""

    id: str
    name: str
    scopes: frozenset[str]
    recipients: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    last_used_at: datetime | None
    kind: ClientKind = ClientKind.SERVICE
    redirect_uris: tuple[str, ...] = ()
    jwks: str | None = None
    auth_method: AuthMethod = AuthMethod.SECRET


@dataclass(frozen=True, slots=True)
class ClientChanges:
    """What to change of a client; None leaves a thing as it is."""

    name: str | None = None
    scopes: frozenset[str] | None = None
    recipients: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] | None = None
    jwks: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client's id and its secret, shown this once; empty for a client that signs instead."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"NewSecret({self.client_id}, redacted)"


class Caller(Struct, frozen=True):
    """Who calls, by a live access token. `customer_id` when the token is a customer's."""

    client_id: str
    scopes: frozenset[str]
    recipients: tuple[str, ...]
    customer_id: CustomerId | None

    @property
    def actor(self) -> Actor:
        """The caller as the actor of what it does."""
        if self.customer_id is not None:
            return Actor(ActorKind.CUSTOMER, str(self.customer_id))
        return Actor(ActorKind.CLIENT, self.client_id)

    def recipient_for(self, named: str | None) -> str | None:
        """The recipient that the caller acts for; None when it may not act for the one it names."""
        if named is None:
            return self.recipients[0] if self.recipients else None
        return named if named in self.recipients else None


def subject(client_id: str, customer: str | None) -> str:
    """Whom a token speaks for. Clients and people never share a name: a client's id has no
    colon. Source: RFC 9700, section 4.15."""
    return f"client:{client_id}" if customer is None else customer


_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?|\[[0-9a-f:]+\]")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_ADDRESS = re.compile(r"[!#$%&-;=?-Z_a-z~\[\]]{1,500}")


def origin_of(address: str) -> str:
    """Scheme, host and port of an address that `is_redirect_address` accepted."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_redirect_address(text: str) -> bool:
    """Whether an app may be answered there: https, or this machine's own loopback; absolute, no
    fragment, no sign-in, no pattern. It is compared letter by letter later on."""
    if not _ADDRESS.fullmatch(text) or "*" in text or "#" in text:
        return False
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return False
    host = parts.netloc.removesuffix(port)
    if not _HOST.fullmatch(host) or parts.netloc != host + port:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def new_secret() -> str:
    """256 random bits, base64url. Being random, a fast hash of it is safe to keep."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """SHA-256 of a generated secret or token: what is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
