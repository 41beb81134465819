"""A package, what recipients add to it, and when it is made. No I/O."""

import hashlib
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.errors import Conflict, Forbidden, Invalid, NotFound

KEPT = timedelta(days=7)
LEASE = timedelta(minutes=2)
GOES_WITHOUT = timedelta(days=1)  # before the request is due: by then the person is to have it
MOST_PART = 10 * 1024 * 1024
MOST_PARTS = 20  # of one recipient
_NAME = re.compile(r"(?=.{1,64}$)[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")

# What a recipient may hand in, by the end of its name: nothing that a browser would run.
CONTENT_TYPES = {
    "csv": "text/csv",
    "jpg": "image/jpeg",
    "json": "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "xml": "application/xml",
    "zip": "application/zip",
}


class PackageState(StrEnum):
    """Where a package stands."""

    WAITING = "waiting"
    READY = "ready"
    FETCHED = "fetched"
    EXPIRED = "expired"


class Package(Struct, frozen=True):
    """A package as kept. Whoever raises `tries` makes it or sends it, until `leased_until`.
    `file` are its pieces, `size` its bytes; `waits_until`: it goes without what recipients have
    not given by then."""

    place: UUID
    id: UUID
    request_id: UUID
    state: PackageState
    created_at: datetime
    waits_until: datetime
    tries: int = 0
    leased_until: datetime | None = None
    file: UUID | None = None
    size: int = 0
    ready_at: datetime | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None


class Part(Struct, frozen=True):
    """A file that a recipient gave for a request. Its id is that of its pieces."""

    place: UUID
    id: UUID
    request_id: UUID
    recipient: str
    name: Sealed
    content_type: str
    size: int
    given_at: datetime


class PackageNotReady(Conflict):
    """It is still being made, or the request is not that far."""

    code = "package_not_ready"
    detail = "The package is not ready yet. A letter says when it is."


class PackageBeingFetched(Conflict):
    """Somebody is at it."""

    code = "package_being_fetched"
    detail = "The package is being fetched. If that broke off, try again in two minutes."


class PackageGone(NotFound):
    """It was there."""

    code = "package_gone"
    detail = "The package was fetched, or its time is over. Ask for another."


class FreshSignInRequired(Forbidden):
    """What is personal to that degree wants to be sure who asks."""

    code = "fresh_sign_in_required"
    detail = "Sign in once more, then fetch the package within five minutes."


class PackageClosed(Conflict):
    """Nothing can be added to it."""

    code = "package_closed"
    detail = "Nothing can be added for this request, or no longer."


def content_type_of(name: str, size: int) -> str:
    """The media type of a recipient's file. Raises: Invalid for one that cannot be taken."""
    found = CONTENT_TYPES.get(name.rpartition(".")[2].lower())
    if found is None or _NAME.fullmatch(name) is None:
        raise Invalid.at(
            "/name",
            "invalid",
            "Up to 64 letters, digits, - and _, ending in ." + " .".join(CONTENT_TYPES) + ".",
        )
    if not 0 < size <= MOST_PART:
        raise Invalid.at("/content", "invalid", "From 1 byte to 10 MiB.")
    return found


def is_to_be_made(package: Package, outstanding: Collection[str], now: datetime) -> bool:
    """Whether nothing more is waited for."""
    return not outstanding or now >= package.waits_until


def is_free(package: Package, now: datetime) -> bool:
    """Whether nobody is at it."""
    return package.leased_until is None or package.leased_until <= now


def piece_row(file: UUID, number: int, *, is_last: bool) -> UUID:
    """What the seal of a piece is bound to: its file, its place in it, whether it ends there."""
    said = file.bytes + number.to_bytes(8) + bytes([is_last])
    return UUID(bytes=hashlib.sha256(said).digest()[:16])
