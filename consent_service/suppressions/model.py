"""What a suppression is and how far it reaches. No I/O."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue.model import Channel, LegalBasis, Purpose
from consent_service.customers.model import IdentifierType


class Reason(StrEnum):
    """Why not to use."""

    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"
    ERASED = "erased"
    UNDELIVERABLE = "undeliverable"
    DECEASED = "deceased"


DIRECT_MARKETING = frozenset({Reason.COMPLAINED, Reason.OPTED_OUT, Reason.ERASED})

ADDRESS_OF = {
    Channel.EMAIL: IdentifierType.EMAIL,
    Channel.SMS: IdentifierType.PHONE,
    Channel.PHONE: IdentifierType.PHONE,
    Channel.MESSENGER: IdentifierType.PHONE,
    Channel.PUSH: IdentifierType.DEVICE,
}


class Suppression(Struct, frozen=True):
    """One mark. `channel` None is every channel of the address; `happened_at` is when the
    reason arose, by whoever reported it; `closed_at` when it stopped to count."""

    id: UUID
    reason: Reason
    channel: Channel | None
    identifier_type: IdentifierType
    happened_at: datetime
    recorded_from: datetime
    closed_at: datetime | None = None
    source: str | None = None
    identifier_id: UUID | None = None


def reaches(mark: Suppression, purpose: Purpose, channel: Channel | None) -> bool:
    """Whether an open mark reaches a use, as far as its reason and channel say. Whether an
    `undeliverable` address is the one that would be used is the caller's to know.

    Source: DESIGN.md section 3, suppressions.
    """
    if mark.reason is Reason.DECEASED:
        return purpose.legal_basis is not LegalBasis.LEGAL_OBLIGATION
    if mark.reason is Reason.UNDELIVERABLE:
        served = channel is not None and ADDRESS_OF.get(channel) is mark.identifier_type
        return served and mark.channel in (None, channel)
    return purpose.direct_marketing


def find_same(
    marks: Iterable[Suppression], reason: Reason, channel: Channel | None, happened_at: datetime
) -> Suppression | None:
    """The mark, open or closed since, that says already what a report says. Where a newer yes
    may lift a mark, a report that is newer than it says more; elsewhere an open mark says all.
    """
    for mark in marks:
        if mark.reason is reason and mark.channel in (channel, None):
            says_all = mark.closed_at is None and reason not in DIRECT_MARKETING
            if says_all or mark.happened_at >= happened_at:
                return mark
    return None


def is_erased(marks: Iterable[Suppression]) -> bool:
    """Whether whoever had the identifier was erased, and nothing has lifted that."""
    return any(mark.reason is Reason.ERASED and mark.closed_at is None for mark in marks)


def beside(mark: Suppression, identifier_id: UUID) -> Suppression:
    """The mark as it stands beside a customer with that identifier: where it is dated ahead, it
    counts from its recording, like any no."""
    happened_at = min(mark.happened_at, mark.recorded_from)
    return replace(mark, identifier_id=identifier_id, happened_at=happened_at)
