"""What a suppression is and how far it reaches. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class Suppression:
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
