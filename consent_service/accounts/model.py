"""Sessions, links and staff as values, and the rules of both. No I/O."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.errors import Conflict, Forbidden, Invalid
from consent_service.kernel.ids import CustomerId

LINK_LIFETIME = timedelta(minutes=10)
ENROLMENT_LIFETIME = timedelta(hours=24)
FRESH_FOR = timedelta(minutes=5)
SEEN_EVERY = timedelta(minutes=1)

_STAFF_NAME = re.compile(r"[a-z][a-z0-9_.\-]{1,63}")


class Role(StrEnum):
    """What a member of staff may do."""

    OFFICER = "officer"
    AGENT = "agent"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Browser(StrEnum):
    """What a sign-in was made with, as roughly as a person needs it to know their own."""

    CHROME = "Chrome"
    EDGE = "Edge"
    FIREFOX = "Firefox"
    SAFARI = "Safari"
    OTHER = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: unused, and at most."""

    idle: timedelta
    absolute: timedelta


CUSTOMER_LIMITS = Limits(timedelta(minutes=30), timedelta(hours=12))
STAFF_LIMITS = Limits(timedelta(minutes=15), timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in of a customer or of a member of staff, never of both."""

    sha256: bytes
    customer_id: CustomerId | None
    staff_id: UUID | None
    browser: Browser
    created_at: datetime
    last_seen_at: datetime
    fresh_until: datetime
    expires_at: datetime

    @property
    def limits(self) -> Limits:
        """Those of whoever signed in."""
        return CUSTOMER_LIMITS if self.staff_id is None else STAFF_LIMITS


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff. `enrolled`: has set a password and a one-time code; `has_email`: there is
    an address that letters to them go to."""

    id: UUID
    name: str
    roles: frozenset[Role]
    enrolled: bool
    created_at: datetime
    disabled_at: datetime | None
    last_signed_in_at: datetime | None
    has_email: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a member of staff signs in with, as kept."""

    staff: Staff
    password_hash: str | None
    totp_secret: Sealed | None

    def __repr__(self) -> str:
        return f"Credentials({self.staff.name}, redacted)"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Somebody asked for a link. `binding` is the SHA-256 of what only their browser knows;
    `asked` holds the address they typed, or who they are when they were signed in."""

    id: UUID
    binding: bytes
    asked: Sealed
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was sent, as kept: placed by the SHA-256 of what stands in the letter."""

    sha256: bytes
    customer_id: CustomerId
    binding: bytes
    return_path: Sealed
    expires_at: datetime

    @property
    def row(self) -> UUID:
        """What names the row in a seal."""
        return UUID(bytes=self.sha256[:16])


class LinkState(StrEnum):
    """What opening a link comes to."""

    LIVE = "live"
    OTHER_BROWSER = "other_browser"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A one-time link with which a member of staff sets password and one-time code."""

    sha256: bytes
    staff_id: UUID
    totp_secret: Sealed
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLink:
    """The secret part of a link, shown this once."""

    name: str
    token: str

    def __repr__(self) -> str:
        return f"NewLink({self.name}, redacted)"


class StaffExists(Conflict):
    """The name is taken."""

    code = "staff_exists"
    detail = "A member of staff with this name exists."


class NotRecognised(Forbidden):
    """An unknown name, a wrong password, a wrong or used code, a disabled account: not told
    apart."""

    code = "not_recognised"
    detail = "Name, password and code do not go together, or the code was used."


def new_token() -> str:
    """256 random bits, base64url. Being random, a fast hash of it is safe to keep."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """SHA-256 of a generated value: what is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_session(
    sha256: bytes,
    owner: CustomerId | None,
    staff_id: UUID | None,
    browser: Browser,
    now: datetime,
) -> Session:
    """A session that begins now, fresh."""
    limits = CUSTOMER_LIMITS if staff_id is None else STAFF_LIMITS
    return Session(
        sha256, owner, staff_id, browser, now, now, now + FRESH_FOR, now + limits.absolute
    )


def is_live(session: Session, now: datetime) -> bool:
    """Neither left alone too long nor too old."""
    return now < session.expires_at and now < session.last_seen_at + session.limits.idle


def is_fresh(session: Session, now: datetime) -> bool:
    """The sign-in was a few minutes ago. Source: ASVS 7.5.1, 7.5.3."""
    return now < session.fresh_until


def link_state(link: Link | None, binding: bytes, now: datetime) -> LinkState:
    """What opening a link in the browser of `binding` comes to."""
    if link is None or link.expires_at <= now:
        return LinkState.GONE
    same = secrets.compare_digest(link.binding, binding)
    return LinkState.LIVE if same else LinkState.OTHER_BROWSER


def browser_of(user_agent: str) -> Browser:
    """The kind of browser that a User-Agent names; the rest of it is not kept."""
    signs = (
        ("Edg", Browser.EDGE),
        ("Firefox/", Browser.FIREFOX),
        ("FxiOS/", Browser.FIREFOX),
        ("Chrome/", Browser.CHROME),
        ("CriOS/", Browser.CHROME),
        ("Safari/", Browser.SAFARI),
    )
    return next((browser for sign, browser in signs if sign in user_agent), Browser.OTHER)


def checked_staff_name(name: str) -> str:
    """A name to sign in with. Raises: Invalid."""
    if not _STAFF_NAME.fullmatch(name):
        raise Invalid.at("/name", "invalid", "2 to 64 of a-z, 0-9, _ . and -, a letter first.")
    return name


def checked_roles(roles: Iterable[str]) -> frozenset[Role]:
    """Roles by their names, one at least. Raises: Invalid."""
    names = set(roles)
    if not names or not names <= set(Role):
        raise Invalid.at("/role", "unknown_role", "A role is officer, agent, auditor or admin.")
    return frozenset(Role(name) for name in names)
