"""What is kept of an erasure, and what its certificate says. No I/O."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Conflict
from consent_service.privacy_requests.model import Request, request_id_text
from consent_service.recipients.model import CONFIRMED, Task

PATIENCE = timedelta(seconds=30)  # with entries that are not sealed; a second is usual
SWEEP_AFTER = timedelta(minutes=1)  # twice what a statement may last (`storage.db`)


class Erasure(Struct, frozen=True):
    """How far an erasure is. `id` is its request's. `who` is every id that led to the person,
    kept until it was looked for once more; `entries` and `marks` are how many entries of the log
    went and how many identifiers are suppressed. `entry_id` is the entry that tells others of it,
    and whom it was of until the certificate is made."""

    id: UUID
    started_at: datetime
    erased_at: datetime | None = None
    swept_at: datetime | None = None
    cleaned_at: datetime | None = None
    proof_until: datetime | None = None
    entries: int = 0
    marks: int = 0
    who: Sealed | None = None
    certificate: str | None = None
    entry_id: UUID | None = None


class NoCertificateYet(Conflict):
    """It is not at its end."""

    code = "no_certificate_yet"
    detail = (
        "The erasure is not at its end. It has a certificate when every recipient has answered, and"
        " every webhook that wants to know has taken it or was given up."
    )


def certificate_of(
    erasure: Erasure, request: Request, tasks: Sequence[Task], issuer: str, now: datetime
) -> dict[str, Any]:
    """What was done and what was not, of nobody by name."""
    assert erasure.erased_at is not None
    assert erasure.cleaned_at is not None
    until = erasure.proof_until
    left = [task.recipient for task in tasks if task.outcome not in CONFIRMED]
    return {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "request": request_id_text(request.id),
        "received_at": rfc3339(request.received_at),
        "erased_at": rfc3339(erasure.erased_at),
        "cleaned_at": rfc3339(erasure.cleaned_at),
        "log_entries_removed": erasure.entries,
        "identifiers_suppressed": erasure.marks,
        "proof_kept_until": None if until is None else rfc3339(until),
        "recipients": [_said(task) for task in tasks],
        "complete": not left,
        "left": left,
    }


def _said(task: Task) -> dict[str, Any]:
    return {
        "recipient": task.recipient,
        "told_at": rfc3339(task.told_at),
        "ended_at": None if task.ended_at is None else rfc3339(task.ended_at),
        "outcome": None if task.outcome is None else task.outcome.value,
        "words": None if task.words is None else task.words.value,
    }
