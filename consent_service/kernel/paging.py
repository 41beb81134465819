"""Lists in pages, walked by opaque cursors."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from consent_service.kernel.errors import Invalid

T = TypeVar("T")

MAX_PAGE = 1_000
DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of what follows; None at the end."""

    items: Sequence[T]
    next_cursor: str | None


def encode_cursor(position: str, bound_to: str) -> str:
    """A cursor at `position`, good for the filter `bound_to` alone."""
    body = json.dumps([position, _digest(bound_to)], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, bound_to: str) -> str:
    """The position in a cursor. Raises: Invalid when it is not ours or of another filter."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position, digest = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeError, TypeError, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(position, str) or digest != _digest(bound_to):
        raise _bad_cursor()
    return position


def read_cursor(cursor: str, bound_to: str, read: Callable[[str], T]) -> T:
    """What `read` makes of the position in a cursor. Raises: Invalid, also where `read` raises
    ValueError: a cursor is opaque, and not proof against being made up."""
    try:
        return read(decode_cursor(cursor, bound_to))
    except ValueError:
        raise _bad_cursor() from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _bad_cursor() -> Invalid:
    return Invalid.at("/cursor", "invalid_cursor", "Not a cursor of this list and filter.")
