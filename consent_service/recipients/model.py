"""What a recipient is told of a privacy request, and what it can answer. No I/O."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.catalogue.model import Catalogue, Channel, RecipientRole
from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import IdentifierType
from consent_service.kernel.errors import Conflict
from consent_service.kernel.ids import CustomerId, decode, encode
from consent_service.privacy_requests.model import RequestKind
from consent_service.suppressions.model import ADDRESS_OF

WITHIN = timedelta(hours=75)
_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_RETRY = timedelta(hours=6)


class TaskKind(StrEnum):
    """What a recipient is told of: what a person asked for, or that a restriction of which it was
    told has ended."""

    ACCESS = RequestKind.ACCESS.value
    PORTABILITY = RequestKind.PORTABILITY.value
    RECTIFICATION = RequestKind.RECTIFICATION.value
    ERASURE = RequestKind.ERASURE.value
    RESTRICTION = RequestKind.RESTRICTION.value
    OBJECTION = RequestKind.OBJECTION.value
    RESTRICTION_END = "restriction_end"


class TaskOutcome(StrEnum):
    """What a recipient says it did; `settled` is what staff say, or the end of the time for its
    part of an access, when it says nothing."""

    DONE = "done"
    NOTHING_HELD = "nothing_held"
    NOT_DONE = "not_done"
    SETTLED = "settled"


ANSWERS = (TaskOutcome.DONE, TaskOutcome.NOTHING_HELD, TaskOutcome.NOT_DONE)
CONFIRMED = frozenset({TaskOutcome.DONE, TaskOutcome.NOTHING_HELD})


class Words(StrEnum):
    """Why a recipient did not. Stable words: what it writes freely may be about the person."""

    LEGAL_OBLIGATION = "legal_obligation"
    LEGAL_CLAIMS = "legal_claims"
    NOT_POSSIBLE = "not_possible"


class Task(Struct, frozen=True):
    """What one recipient is told of one request. `about` says who it is, and is gone once it has
    ended. `next_at` is when it is told again, None once it was reached or no more is tried."""

    id: UUID
    request_id: UUID
    recipient: str
    kind: TaskKind
    told_at: datetime
    about: Sealed | None
    next_at: datetime | None
    tries: int = 0
    reached_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: TaskOutcome | None = None
    words: Words | None = None


class About(Struct, frozen=True):
    """Whom a task is about, in the clear: every id that a recipient may know them by, and the
    identifiers that it may have."""

    customer_ids: tuple[CustomerId, ...]
    identifiers: tuple[tuple[IdentifierType, str], ...]

    def __repr__(self) -> str:
        return "About(redacted)"


class TaskEnded(Conflict):
    """It was answered otherwise, or staff have settled it."""

    code = "recipient_answered"
    detail = "This was answered already, and otherwise."


def is_overdue(task: Task, now: datetime) -> bool:
    """Not answered within 75 hours."""
    return task.ended_at is None and task.told_at + WITHIN <= now


def next_try(told_at: datetime, tries: int, now: datetime) -> datetime | None:
    """When a recipient is told again that was not reached so many times: after a minute,
    doubling, at most every 6 hours; None when that would be past the 75 hours."""
    at = now + min(_FIRST_RETRY * (1 << min(tries - 1, 16)), _LONGEST_RETRY)
    return at if at < told_at + WITHIN else None


_GATHERED = frozenset({RequestKind.ACCESS, RequestKind.PORTABILITY})


def is_told(recipient: str, kind: RequestKind, catalogue: Catalogue) -> bool:
    """Whether a recipient that has received data is told of a request of a kind. Its part of an
    access is wanted from those who hold data for the controller; partners answer for themselves,
    and are named. Source: GDPR art. 15(1)(c), 28(3)(e)."""
    if kind not in _GATHERED:
        return True
    known = catalogue.recipients.get(recipient)
    return known is not None and known.role is not RecipientRole.PARTNER


def list_restricted(tasks: Iterable[Task]) -> list[str]:
    """The recipients who were told to restrict, and not since that it has ended."""
    last: dict[str, TaskKind] = {}
    for task in sorted(tasks, key=lambda each: each.id):
        if task.kind in (TaskKind.RESTRICTION, TaskKind.RESTRICTION_END):
            last[task.recipient] = task.kind
    return sorted(key for key, kind in last.items() if kind is TaskKind.RESTRICTION)


def types_for(recipient: str, catalogue: Catalogue) -> frozenset[IdentifierType]:
    """The identifiers that a recipient may have: the addresses of the channels of purposes that
    name it, which it is given to serve them (ADR 23)."""
    channels: set[Channel] = set()
    for purpose in catalogue.purposes.values():
        if recipient in purpose.recipients:
            channels |= set(purpose.channels)
    return frozenset(ADDRESS_OF[channel] for channel in channels if channel in ADDRESS_OF)


def task_id_text(task: Task) -> str:
    """`tsk_…`."""
    return encode("tsk", task.id)


def parse_task_id(text: str) -> UUID:
    """The id behind `tsk_…`. Raises: NotFound."""
    return decode("tsk", text)[0]
