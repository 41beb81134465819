"""What a message is, and when it is tried again. No I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from consent_service.crypto.envelope import Sealed

_FIRST_RETRY = timedelta(seconds=15)
_LONGEST_RETRY = timedelta(hours=1)
WAITED_FOR = frozenset({"restriction_lift"})
"""Kinds of letters without which something must not happen: one that is refused for good is not
gone, but stays until it expires or is taken back."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in the clear, never stored like this. Its repr shows nothing of it."""

    to: str
    language: str
    subject: str
    text: str
    html: str

    def __repr__(self) -> str:
        return "Letter(redacted)"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sealed letter in the outbox. `place` is the customer it goes to, or its own id when it
    goes to none. After `expires_at` it says nothing that still holds, and is not sent."""

    place: UUID
    id: UUID
    kind: str
    sealed: Sealed
    created_at: datetime
    expires_at: datetime
    failed_tries: int = 0


def retry_at(failed_tries: int, now: datetime) -> datetime:
    """When a letter is tried again that failed so many times: doubling, at most an hour."""
    return now + min(_FIRST_RETRY * (1 << min(failed_tries - 1, 16)), _LONGEST_RETRY)
