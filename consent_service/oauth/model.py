"""What a client is and may do. No I/O."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client's id and its secret, shown this once."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"NewSecret({self.client_id}, redacted)"


@dataclass(frozen=True, slots=True)
class Caller:
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


def new_secret() -> str:
    """256 random bits, base64url. Being random, a fast hash of it is safe to keep."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """SHA-256 of a generated secret or token: what is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
