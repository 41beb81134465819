"""A screening as values. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Sealed
from consent_service.decisions.model import Question

KEPT = timedelta(hours=24)


class FormKind(StrEnum):
    """How an audience is written, by media type."""

    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"


class Column(StrEnum):
    """What may name a person. The hashed ones are SHA-256 in hex of the normalised value."""

    CUSTOMER_ID = "customer_id"
    EMAIL = "email"
    PHONE = "phone"
    CUSTOMER_NUMBER = "customer_number"
    DEVICE = "device"
    EMAIL_SHA256 = "email_sha256"
    PHONE_SHA256 = "phone_sha256"


class Unusable(StrEnum):
    """Why a row was neither permitted nor denied: it names nobody."""

    NOT_READABLE = "not_readable"
    TOO_LONG = "too_long"
    NOBODY_NAMED = "nobody_named"
    SEVERAL_NAMED = "several_named"
    NOT_USABLE = "not_usable"


class Request(Struct, frozen=True):
    """What is asked about an audience. `column` None: the one that is there."""

    question: Question
    context: Mapping[str, str]
    form: FormKind
    column: Column | None


class Summary(Struct, frozen=True):
    """What came of a screening. `reasons` counts rows by answer, `unusable` those without one."""

    screening_id: str
    purpose: str
    channel: str | None
    data_categories: tuple[str, ...]
    recipient: str | None
    evaluated_at: str
    valid_until: str
    rows: int
    permitted: int
    denied: int
    reasons: dict[str, int]
    unusable: dict[str, int]


class Screening(Struct, frozen=True):
    """A screening as it is kept. `payload` is the JSON, after `salt`, of which the commitment of
    its entry is; `key` makes its members' tags; `shard_bits` are those of each part."""

    id: UUID
    client_id: str
    recipient: str | None
    evaluated_at: datetime
    salt: bytes
    payload: bytes
    key: bytes
    shard_bits: tuple[int, ...]


class JobState(StrEnum):
    """Where a screening stands that is answered later."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


WAITING = (JobState.QUEUED, JobState.RUNNING)


class Job(Struct, frozen=True):
    """A screening that is answered later. `tries` counts who took it up. `body` and `result` are
    files; the body's is None when it is not needed any more. `expires_at` is when it is given up;
    of one that has ended, when it and its result are forgotten. `problem` is JSON."""

    id: UUID
    client_id: str
    asked: Sealed
    state: JobState
    created_at: datetime
    expires_at: datetime
    body: UUID | None
    tries: int = 0
    rows: int = 0
    finished_at: datetime | None = None
    result: UUID | None = None
    screening_id: UUID | None = None
    problem: str | None = None
