"""All that happened about one customer: what the log has under their name, the audiences that they
were in, and what these were used for. Those name nobody; the customer is looked for in each."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from msgspec.structs import replace

from consent_service.decisions.model import Outcome, Reason, outcome_of
from consent_service.disclosures.model import Breach
from consent_service.kernel import paging
from consent_service.kernel.ids import CustomerId
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.screenings import service as screenings

_AUDIENCES = 200  # looked through for a page at most: it may have fewer items than asked for
_AN_ITEM = 5  # as many for each item that is asked for


def list_about(wanted: EntryFilter, cursor: str | None, limit: int) -> Page[Entry]:
    """A page of what happened about the customer of the filter, oldest first; of a screening, what
    was answered about them. Raises: Invalid for a cursor of another filter."""
    return _list(wanted, cursor, limit, newest=False)


def list_newest(wanted: EntryFilter, cursor: str | None, limit: int) -> Page[Entry]:
    """As `list_about`, the newest first."""
    return _list(wanted, cursor, limit, newest=True)


def stream_about(wanted: EntryFilter, cursor: str | None, at_once: int) -> Iterator[list[Entry]]:
    """All of it, in portions; the first is read when it is asked for."""
    while True:
        page = list_about(wanted, cursor, at_once)
        yield list(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def find_cited(entry: Entry) -> UUID | None:
    """The screening that a use rests on; None for anything else that happened about a customer."""
    of_audience = entry.kind is EntryKind.DISCLOSURE and not entry.known
    return entry.cites if of_audience else None


def _list(wanted: EntryFilter, cursor: str | None, limit: int, *, newest: bool) -> Page[Entry]:
    bound_to = ("newest " if newest else "") + ledger.bound(wanted)
    start = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    own = _read(wanted, start, limit + 1, newest=newest)
    most = min(_AUDIENCES, _AN_ITEM * limit)
    audiences, looked_to = _audiences(wanted, start, most, newest=newest)
    found = _in_order([*own, *audiences], newest=newest)
    if looked_to is not None:
        found = [e for e in found if (e.id >= looked_to if newest else e.id <= looked_to)]
    ends_at = looked_to if len(found) <= limit else found[limit - 1].id
    return Page(
        found[:limit], None if ends_at is None else paging.encode_cursor(ends_at.hex, bound_to)
    )


def _audiences(
    wanted: EntryFilter, start: UUID | None, most: int, *, newest: bool
) -> tuple[list[Entry], UUID | None]:
    """The screenings from an entry on that the customer was in, and the uses that rest on one;
    and up to which they were looked through, `most` of them, None when that is all."""
    some = [
        entry
        for kind in (EntryKind.SCREENING, EntryKind.DISCLOSURE)
        if wanted.kinds is None or kind in wanted.kinds
        for entry in _read(_about_nobody(wanted, kind), start, most, newest=newest)
    ]
    some = _in_order(some, newest=newest)[:most]
    assert wanted.place is not None
    named = {entry.cites or entry.id for entry in some}
    told = screenings.find_memberships(CustomerId(wanted.place), named)
    found = [shown for entry in some for shown in _as_told(entry, told)]
    if wanted.outcome is not None:
        found = [entry for entry in found if entry.outcome == wanted.outcome]
    return found, some[-1].id if len(some) == most else None


def _about_nobody(wanted: EntryFilter, kind: EntryKind) -> EntryFilter:
    return replace(wanted, place=None, outcome=None, kinds=frozenset({kind}), known=False)


def _as_told(entry: Entry, told: Mapping[UUID, Reason]) -> list[Entry]:
    """An entry about an audience as it is about one person, if it is. A use is about those who
    were permitted, for the reason that they were; where nobody was, about all who were asked
    about."""
    reason = told.get(entry.cites or entry.id)
    if reason is None:
        return []
    answered = outcome_of(reason)
    if entry.kind is EntryKind.SCREENING:
        return [replace(entry, outcome=answered.value, reason=reason.value)]
    if entry.outcome == Outcome.PERMIT:
        entry = replace(entry, reason=reason.value)
    is_theirs = answered is Outcome.PERMIT or entry.reason == Breach.NOT_PERMITTED
    return [entry] if is_theirs else []


def _read(wanted: EntryFilter, start: UUID | None, limit: int, *, newest: bool) -> list[Entry]:
    return (ledger.list_newest if newest else ledger.list_after)(wanted, start, limit)


def _in_order(entries: list[Entry], *, newest: bool) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.id, reverse=newest)
