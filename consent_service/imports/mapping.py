"""What a row of a list says. Pure: the same row always says the same.

Times in an export are UTC. A yes counts from the confirmation, else the opt-in, else the last
change; the evidence says from which. A no whose own time is blank counts from the last change:
losing a no over a blank cell would be worse than a rough date.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from consent_service.catalogue.model import Channel
from consent_service.consents.model import EventKind, NewEvent, check_event
from consent_service.customers.model import Identifier, IdentifierType, ProfileValue
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.imports.countries import COUNTRIES
from consent_service.imports.model import ListKind, Refusal, Row, Said, Terms
from consent_service.kernel.errors import Invalid
from consent_service.kernel.ids import CustomerId
from consent_service.suppressions.model import Reason

Cells = Mapping[str, str]
Evidence = tuple[tuple[str, str], ...]

NOBODY_YET = CustomerId(UUID(int=0))
LANGUAGE_NOT_KNOWN = "und"  # BCP 47: undetermined


def _called(*columns: str) -> Evidence:
    """Columns, each with its name in the evidence."""
    return tuple((column, column.lower()) for column in columns)


_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_BIRTHDAY = re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])", re.ASCII)
_COMPLAINTS = frozenset({"ABUSE", "SPAM"})
_LONGEST = 500

_NAMES = (("First Name", "first_name"), ("Last Name", "last_name"))
_YES_TIMES = ("CONFIRM_TIME", "OPTIN_TIME", "LAST_CHANGED")
_NO_TIMES = ("UNSUB_TIME", "LAST_CHANGED")
_CLEAN_TIMES = ("CLEAN_TIME", "LAST_CHANGED")
_NONE = "(blank)"  # what the list writes where no reason was given
_YES_EVIDENCE = _called("OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP")
_NO_EVIDENCE = _called(
    "UNSUB_REASON", "UNSUB_REASON_OTHER", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID"
)


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


def read_row(row: Row, terms: Terms) -> Said | Refusal:
    """What a row says, or why it is refused."""
    if row.cells is None:
        return Refusal.COLUMNS_DO_NOT_MATCH
    try:
        return _READERS[row.kind](row, row.cells, terms)
    except _Refused as refused:
        return refused.refusal


def _subscribed(row: Row, cells: Cells, terms: Terms) -> Said:
    return _said(cells, terms, _given(row, cells, terms), None)


def _unsubscribed(row: Row, cells: Cells, terms: Terms) -> Said:
    event = _withdrawn(row, cells, terms)
    if _cell(cells, "UNSUB_REASON").upper() in _COMPLAINTS:
        return _said(cells, terms, event, (Reason.COMPLAINED, None, event.captured_at))
    return _said(cells, terms, event, None)


def _cleaned(_: Row, cells: Cells, terms: Terms) -> Said:
    when = _time(cells, _CLEAN_TIMES)[0]
    return _said(cells, terms, None, (Reason.UNDELIVERABLE, Channel.EMAIL, when))


_READERS = {
    ListKind.SUBSCRIBED: _subscribed,
    ListKind.UNSUBSCRIBED: _unsubscribed,
    ListKind.CLEANED: _cleaned,
}


def _given(row: Row, cells: Cells, terms: Terms) -> NewEvent:
    when, column = _time(cells, _YES_TIMES)
    version = terms.options.notice_version
    if version is None:
        in_use = terms.catalogue.notice_in_use(terms.purpose.notice, when)
        if in_use is None:
            raise _Refused(Refusal.NOTICE_NOT_IN_USE)
        version = in_use.version
    confirmed = column == "CONFIRM_TIME"
    evidence = _evidence(row, cells, column, _YES_EVIDENCE)
    event = _event(terms, EventKind.GIVEN, when, version, evidence, confirmed)
    _check(event, terms)
    return event


def _withdrawn(row: Row, cells: Cells, terms: Terms) -> NewEvent:
    when, column = _time(cells, _NO_TIMES)
    evidence = _evidence(row, cells, column, _NO_EVIDENCE)
    return _event(terms, EventKind.WITHDRAWN, when, None, evidence, False)


def _check(event: NewEvent, terms: Terms) -> None:
    """The rules of the consents themselves; a yes that they refuse is a refused row."""
    try:
        check_event(event, terms.catalogue, terms.now, "")
    except Invalid as error:
        codes = {fault.code for fault in error.errors}
        for refusal in (Refusal.IN_THE_FUTURE, Refusal.NOTICE_NOT_IN_USE):
            if refusal.value in codes:
                raise _Refused(refusal) from None
        raise


def _event(
    terms: Terms,
    kind: EventKind,
    when: datetime,
    notice_version: str | None,
    evidence: Mapping[str, object],
    confirmed: bool,
) -> NewEvent:
    return NewEvent(
        NOBODY_YET,
        terms.purpose.key,
        kind,
        terms.options.channel,
        notice_version,
        LANGUAGE_NOT_KNOWN,
        terms.options.touchpoint,
        when,
        evidence=evidence,
        confirmed=confirmed,
        imported=True,
    )


def _said(
    cells: Cells,
    terms: Terms,
    event: NewEvent | None,
    mark: tuple[Reason, Channel | None, datetime] | None,
) -> Said:
    source = terms.options.source
    country = _country(cells)
    email = _email(cells, source)
    given = _cell(cells, "Phone Number")
    phone = _phone(given, source, country)
    return Said(
        email,
        phone,
        bool(given) and phone is None,
        _profile(cells, source),
        _jurisdiction(cells, country, terms),
        event,
        mark,
    )


def _email(cells: Cells, source: str) -> Identifier:
    try:
        return identifier(IdentifierType.EMAIL, _cell(cells, "Email Address"), source)
    except NotUsable:
        raise _Refused(Refusal.NO_USABLE_ADDRESS) from None


def _phone(given: str, source: str, country: str | None) -> Identifier | None:
    if not given:
        return None
    try:
        return identifier(IdentifierType.PHONE, given, source, country)
    except NotUsable:
        return None


def _profile(cells: Cells, source: str) -> dict[str, ProfileValue]:
    found = {
        field: ProfileValue(cells[column][:_LONGEST], source)
        for column, field in _NAMES
        if column in cells
    }
    if _BIRTHDAY.fullmatch(_cell(cells, "Birthday")):
        found["birthday"] = ProfileValue(cells["Birthday"], source)
    return found


def _country(cells: Cells) -> str | None:
    code = _cell(cells, "CC").upper()
    return code if code in COUNTRIES else None


def _jurisdiction(cells: Cells, country: str | None, terms: Terms) -> str | None:
    """The region where the catalogue declares it, else the country."""
    if country is None:
        return None
    region = f"{country}-{_cell(cells, 'REGION').upper()}"
    return region if region in terms.catalogue.jurisdictions else country


def _time(cells: Cells, columns: tuple[str, ...]) -> tuple[datetime, str]:
    """The first of these times that is there, and its column."""
    for column in columns:
        text = _cell(cells, column)
        if text:
            return _parse(text), column
    raise _Refused(Refusal.TIME_MISSING)


def _parse(text: str) -> datetime:
    if _TIME.fullmatch(text) is None:
        raise _Refused(Refusal.TIME_UNREADABLE)
    try:
        when = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise _Refused(Refusal.TIME_UNREADABLE) from None
    if not 1900 <= when.year <= 9000:
        raise _Refused(Refusal.TIME_UNREADABLE)
    return when


def _evidence(row: Row, cells: Cells, column: str, names: Evidence) -> dict[str, object]:
    """What proves it: where it stood, which column its time is from, and the cells themselves."""
    found: dict[str, object] = {
        "system": "mailchimp",
        "file": row.file,
        "line": row.line,
        "time_from": column,
    }
    for name, called in names:
        value = cells.get(name)
        if value is not None and value != _NONE:
            found[called] = value[:_LONGEST]
    return found


def _cell(cells: Cells, name: str) -> str:
    return cells.get(name, "")
