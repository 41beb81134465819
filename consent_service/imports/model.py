"""An export's rows, what they say, what came of them. No I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from consent_service.catalogue.model import Catalogue, Channel, Purpose
from consent_service.consents.model import NewEvent
from consent_service.customers.model import Identifier, ProfileValue
from consent_service.kernel.errors import Invalid
from consent_service.suppressions.model import Reason


class ListKind(StrEnum):
    """The lists of an export, in the order in which they are taken in."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"


REQUIRED = {
    ListKind.SUBSCRIBED: ("Email Address", "CONFIRM_TIME", "OPTIN_TIME", "LAST_CHANGED"),
    ListKind.UNSUBSCRIBED: ("Email Address", "UNSUB_TIME", "LAST_CHANGED"),
    ListKind.CLEANED: ("Email Address", "CLEAN_TIME", "LAST_CHANGED"),
}

# What is read where it is there. The rest (rating, coordinates, time zone, notes, tags, the
# other system's ids) serves no purpose here and is left behind.
COLUMNS = (
    "Email Address",
    "First Name",
    "Last Name",
    "Phone Number",
    "Birthday",
    "OPTIN_TIME",
    "OPTIN_IP",
    "CONFIRM_TIME",
    "CONFIRM_IP",
    "CC",
    "REGION",
    "LAST_CHANGED",
    "UNSUB_TIME",
    "UNSUB_CAMPAIGN_TITLE",
    "UNSUB_CAMPAIGN_ID",
    "UNSUB_REASON",
    "UNSUB_REASON_OTHER",
    "CLEAN_TIME",
)


class Row(Struct, frozen=True):
    """One row: its file, the line on which it starts, and its cells by column, trimmed, without
    the blank ones; None when it has more or fewer of them than its header."""

    file: str
    line: int
    kind: ListKind
    cells: Mapping[str, str] | None

    def __repr__(self) -> str:
        return f"Row({self.file}, {self.line}, redacted)"


class Refusal(StrEnum):
    """Why a row was not taken in."""

    COLUMNS_DO_NOT_MATCH = "columns_do_not_match"
    NO_USABLE_ADDRESS = "no_usable_address"
    TIME_MISSING = "time_missing"
    TIME_UNREADABLE = "time_unreadable"
    IN_THE_FUTURE = "in_the_future"
    NOTICE_NOT_IN_USE = "notice_not_in_use"
    ERASED = "erased"

    @property
    def text(self) -> str:
        """The reason for a person to read. Never holds anything of the row."""
        return _REFUSAL_TEXTS[self]


_REFUSAL_TEXTS = {
    Refusal.COLUMNS_DO_NOT_MATCH: "The row has more or fewer cells than the header.",
    Refusal.NO_USABLE_ADDRESS: "The e-mail address is blank or malformed.",
    Refusal.TIME_MISSING: "No column says when it happened.",
    Refusal.TIME_UNREADABLE: "The time is not in the form YYYY-MM-DD HH:MM:SS.",
    Refusal.IN_THE_FUTURE: "A yes cannot be dated ahead.",
    Refusal.NOTICE_NOT_IN_USE: "The notice version was not in use yet when this happened.",
    Refusal.ERASED: "The person was erased: an import brings nobody back.",
}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the export does not say of itself. `source` is a data source of the catalogue;
    `notice_version` None is the one in use at the time of each yes; `refused_to` None lists
    refused rows nowhere."""

    purpose: str
    channel: Channel
    touchpoint: str
    source: str = "list_import"
    notice_version: str | None = None
    refused_to: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """The options, checked against a catalogue: what a row is read with."""

    options: ImportOptions
    catalogue: Catalogue
    purpose: Purpose
    now: datetime


class Said(Struct, frozen=True):
    """What a row says, in the clear. `event` still lacks its customer; `mark` is the reason of
    a suppression of the address, on which channel (None: every one), and since when."""

    email: Identifier
    phone: Identifier | None
    phone_unreadable: bool
    profile: Mapping[str, ProfileValue]
    jurisdiction: str | None
    event: NewEvent | None
    mark: tuple[Reason, Channel | None, datetime] | None

    def __repr__(self) -> str:
        return "Said(redacted)"


@dataclass(slots=True)
class Summary:
    """What came of an import, in numbers; of a dry run, what would."""

    dry_run: bool
    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    customers_created: int = 0
    customers_completed: int = 0
    events: Counter[str] = field(default_factory=Counter)
    suppressions: Counter[str] = field(default_factory=Counter)
    phones_unreadable: int = 0
    phones_of_another: int = 0
    refused_to: Path | None = None
    seconds: float = 0.0


def check_options(options: ImportOptions, catalogue: Catalogue) -> Purpose:
    """The purpose that an import is for. Raises: Invalid, naming what there is to choose from."""
    purpose = catalogue.purposes.get(options.purpose)
    if purpose is None:
        raise _not_one_of("purpose", "purposes", catalogue.purposes)
    if options.channel not in purpose.channels:
        raise _not_one_of("channel", "channels of the purpose", purpose.channels)
    if options.touchpoint not in catalogue.touchpoints:
        raise _not_one_of("touchpoint", "touchpoints", catalogue.touchpoints)
    if options.source not in catalogue.data_sources:
        raise _not_one_of("source", "data sources", catalogue.data_sources)
    notices = [notice.version for notice in catalogue.notices[purpose.notice]]
    if options.notice_version is not None and options.notice_version not in notices:
        raise _not_one_of("notice version", "versions of the purpose's notice", notices)
    return purpose


def _not_one_of(what: str, among: str, choices: Iterable[str]) -> Invalid:
    found = ", ".join(choices)
    return Invalid(f"The {what} is none of the catalogue's {among}: {found}.")
