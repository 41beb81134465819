"""What a backup is, and what was said of putting one back. No I/O."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.kernel.errors import Conflict, Invalid, Unavailable

FORMAT = 1
MANIFEST, ROWS, KEYS, ERASED = "manifest.json", "rows.zip", "keys.txt", "erased.txt"

KEYS_TABLE, ERASED_TABLE = "customer_keys", "erased_customers"
APART = {KEYS_TABLE: KEYS, ERASED_TABLE: ERASED}

LEFT_OUT = {  # what must not come to life again, or cannot
    "access_tokens": "dead after a restore",
    "authorization_codes": "dead after a restore",
    "consent_confirmation_links": "dead after a restore",
    "consent_confirmations": "the letter is not sent again",
    "idempotency_claims": "of an hour that did not happen",
    "idempotency_records": "of an hour that did not happen",
    "jobs": "made anew",
    "mail_outbox": "letters are not sent again",
    "privacy_request_links": "dead after a restore; staff can confirm",
    "proof_openings": "an approval must not come alive again; the log has what was done",
    "refresh_tokens": "dead after a restore",
    "screening_files": "a day's audiences; whoever asked asks again",
    "screening_jobs": "as screening_files",
    "sessions": "dead after a restore",
    "sign_in_links": "dead after a restore",
    "sign_in_requests": "the letter would be hours late",
    "staff_enrolments": "dead after a restore; staff are reset",
    "throttle_counters": "of minutes that have passed",
    "used_assertions": "of minutes that have passed",
    "webhook_deliveries": "events are not sent again",
    "webhook_erased": "as webhook_deliveries",
}


class Kind(StrEnum):
    """How a column's values are written in a backup."""

    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    BYTES = "bytes"
    UUID = "uuid"
    TIME = "time"


class Table(Struct, frozen=True):
    """A table of a backup: its columns in their order, and how many rows it has."""

    columns: dict[str, Kind]
    rows: int


class Log(Struct, frozen=True):
    """The log of a backup, and the newest checkpoint that was signed of it."""

    origin: str
    size: int
    checkpoint: str


class Manifest(Struct, frozen=True):
    """What is in a backup, and the SHA-256 of its rows."""

    format: int
    id: UUID
    made_at: datetime
    release: str
    migration: str
    rows_sha256: str
    tables: dict[str, Table]
    log: Log | None
    first_entry: UUID | None


class Restore(Struct, frozen=True):
    """A store that was put back as it was at `made_at`."""

    id: UUID
    made_at: datetime
    restored_at: datetime
    log_size: int
    finished_at: datetime | None = None


class Outcome(StrEnum):
    """Why a restore was over: everything since is replayed, or staff said there is nothing."""

    REPLAYED = "replayed"
    NOTHING = "nothing_to_replay"


class BadBackup(Invalid):
    """A file is not what was written, or not of this backup."""

    code = "bad_backup"
    detail = "This is no backup, or not as it was written."


class NotEmpty(Conflict):
    """Somebody's tables are there."""

    code = "store_not_empty"
    detail = "The store has tables already. A backup is put into an empty one."


class NothingToFinish(Conflict):
    """The store was not put back, or that is over."""

    code = "nothing_to_finish"
    detail = "The store was not put back from a backup, or that is finished."


class NotReplayed(Unavailable):
    """People were erased, or said no, since; until that is replayed nobody may be used."""

    code = "not_replayed"
    detail = (
        "The store was put back from a backup, and erasures and withdrawals since are not replayed "
        "yet. Treat it as a deny. To finish: `consent restore finish`."
    )


class Incomplete(Conflict):
    """Nobody knows of all that happened since."""

    code = "incomplete"
    detail = (
        "Nothing here tells all that happened since the backup was made: give a journal that "
        "begins before it and goes on after it, or say --nothing-to-replay, which the log keeps "
        "with your name."
    )


class OldCatalogue(Conflict):
    """A newer catalogue was in force."""

    code = "old_catalogue"
    detail = (
        "Since the backup another catalogue was loaded. Load it again first (`consent catalogue "
        "load`): what people said is recorded by it."
    )
