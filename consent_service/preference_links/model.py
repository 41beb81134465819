"""Links in mails, as values. No I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consent_service.catalogue.model import Catalogue, Channel, LegalBasis
from consent_service.kernel.errors import Invalid
from consent_service.kernel.ids import CustomerId

PREFERENCES, UNSUBSCRIBE = "/preferences", "/unsubscribe"  # where the links lead
PREFERENCES_LAST = timedelta(days=30)
MOST = 1_000
_CANNOT_BE_REFUSED = (
    LegalBasis.CONTRACT,
    LegalBasis.LEGAL_OBLIGATION,
    LegalBasis.VITAL_INTERESTS,
)


@dataclass(frozen=True, slots=True)
class Mailing:
    """What a mail is sent for, and to whom. `channel` None is every channel of the purpose."""

    customer_id: CustomerId
    purpose: str
    channel: Channel | None


@dataclass(frozen=True, slots=True)
class Links:
    """The tokens of a mail's two links."""

    unsubscribe: str
    preferences: str
    preferences_until: datetime


def check_mailing(mailing: Mailing, catalogue: Catalogue, pointer: str) -> None:
    """Raises: Invalid where nobody could say no: a link that stops nothing promises too much."""
    purpose = catalogue.purposes.get(mailing.purpose)
    if purpose is None:
        raise Invalid.at(pointer + "/purpose", "unknown_purpose", "Not in the catalogue.")
    if purpose.legal_basis in _CANNOT_BE_REFUSED:
        raise Invalid.at(
            pointer + "/purpose", "not_refusable", "This purpose goes on whatever a person says."
        )
    if mailing.channel is not None and mailing.channel not in purpose.channels:
        raise Invalid.at(
            pointer + "/channel", "channel_not_declared", "The purpose does not use this channel."
        )
