"""Who keeps checkpoints, and when the next one is due. No I/O."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Field, Sealed

EVERY = timedelta(hours=1)


class Kind(StrEnum):
    """How a witness is reached. A `webhook` with a key speaks C2SP's tlog-witness; one without is
    posted the note as it is. A `file` is a directory that belongs to somebody else."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    FILE = "file"


class NotSent(Exception):
    """A witness did not take a checkpoint; the text, ours, says why."""


class Fork(NotSent):
    """A witness has seen a log that this one did not grow from."""


class Witness(Struct, frozen=True):
    """A witness and where it stands. `target` is an address, a URL or a directory, sealed;
    `verifier` the key its co-signatures are of; `private` lets a webhook be at a private address.

    It is sent a checkpoint when one is larger than `sent_size`, no sooner than `due_at`, which is
    `every` after the last one or, after a failure, a back-off.
    """

    id: UUID
    name: str
    kind: Kind
    target: Sealed
    verifier: str | None
    private: bool
    every: timedelta
    created_at: datetime
    due_at: datetime
    disabled_at: datetime | None = None
    sent_size: int = 0
    sent_at: datetime | None = None
    failed_tries: int = 0
    last_error: str | None = None

    @property
    def target_field(self) -> Field:
        """What the sealed target is."""
        return field_of(self.id)


def field_of(witness_id: UUID) -> Field:
    """What the target of a witness is sealed as."""
    return Field("witness.target", witness_id, witness_id)
