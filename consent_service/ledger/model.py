"""What an entry is. No I/O."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.errors import Unavailable


class NotLogged(Unavailable):
    """The log took no entry. What is not logged is not answered and not done."""

    code = "not_logged"
    detail = "This cannot be logged now, and so not be done. Treat it as a deny and try again."


class EntryKind(StrEnum):
    """What happened."""

    CONSENT = "consent"
    DECISION = "decision"
    SCREENING = "screening"
    DISCLOSURE = "disclosure"
    ERASURE = "erasure"
    STAFF_ACT = "staff_act"
    PRIVACY_REQUEST = "privacy_request"
    BATCH = "batch"  # many answers that have one leaf together
    CUSTOMER = "customer"


ANSWERS = frozenset(
    {EntryKind.DECISION, EntryKind.SCREENING, EntryKind.DISCLOSURE, EntryKind.BATCH}
)
CHANGES = frozenset(EntryKind) - ANSWERS


class Entry(Struct, frozen=True, gc=False):
    """One row of the log. The clear columns are for auditors' filters and hold no personal
    value. `payload` is sealed by the room that appends it, under the customer's life key, with a
    salt before it; `commitment` is the SHA-256 of both.

    `place` is the customer, or the entry's own id when it is about nobody known. `batch_id` is
    the entry that has a leaf for this one and others; its own, where there is none. `revision` is
    what a change made of the customer's; no leaf has it. `entries`: how many entries an erasure
    took away.
    """

    id: UUID
    place: UUID
    known: bool
    kind: EntryKind
    occurred_at: datetime
    recorded_at: datetime
    client_id: str | None = None
    purpose: str | None = None
    channel: str | None = None
    data_categories: tuple[str, ...] = ()
    recipient: str | None = None
    touchpoint: str | None = None
    outcome: str | None = None
    reason: str | None = None
    catalogue_version: int | None = None
    cites: UUID | None = None
    commitment: bytes | None = None
    token: bytes = b""
    payload: Sealed | None = None
    batch_id: UUID | None = None
    revision: int | None = None
    entries: int | None = None

    @property
    def sealed_as(self) -> UUID:
        """The id of the entry whose leaf stands for this one."""
        return self.id if self.batch_id is None else self.batch_id


class Answer(Struct, frozen=True, gc=False):
    """The entry of one of many answers, which is `said`, an entry that many of them share, but for
    what stands here."""

    said: Entry
    id: UUID
    place: UUID
    token: bytes
    commitment: bytes | None = None
    payload: Sealed | None = None

    def entry(self) -> Entry:
        """The whole entry."""
        return replace(
            self.said,
            id=self.id,
            place=self.place,
            token=self.token,
            commitment=self.commitment,
            payload=self.payload,
        )


class EntryFilter(Struct, frozen=True):
    """What an auditor asks for; None is any. `from_` is inclusive, `to` exclusive; `known` is
    whether an entry is about a customer by name."""

    place: UUID | None = None
    kinds: frozenset[EntryKind] | None = None
    purpose: str | None = None
    recipient: str | None = None
    outcome: str | None = None
    touchpoint: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    known: bool | None = None
