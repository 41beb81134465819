"""All that happened about one customer: what the log has under their name, and the audiences that
they were in. Those name nobody; the customer is looked for in each."""

from collections.abc import Callable, Iterator
from uuid import UUID

from msgspec.structs import replace

from consent_service.decisions.model import outcome_of
from consent_service.kernel import paging
from consent_service.kernel.ids import CustomerId
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.screenings import service as screenings

_Read = Callable[[EntryFilter, UUID | None, int], list[Entry]]

_AUDIENCES = 200  # looked through for a page at most: it may have fewer items than asked for


def list_about(wanted: EntryFilter, cursor: str | None, limit: int) -> Page[Entry]:
    """A page of what happened about the customer of the filter, oldest first; of a screening, what
    was answered about them. Raises: Invalid for a cursor of another filter."""
    bound_to = ledger.bound(wanted)
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    own = ledger.list_after(wanted, after, limit + 1)
    audiences, looked_to = _audiences(wanted, after, ledger.list_after)
    found = sorted([*own, *audiences], key=lambda entry: entry.id)
    if looked_to is not None:
        found = [entry for entry in found if entry.id <= looked_to]
    ends_at = looked_to if len(found) <= limit else found[limit - 1].id
    return Page(
        found[:limit], None if ends_at is None else paging.encode_cursor(ends_at.hex, bound_to)
    )


def list_newest(wanted: EntryFilter, cursor: str | None, limit: int) -> Page[Entry]:
    """As `list_about`, the newest first."""
    bound_to = "newest " + ledger.bound(wanted)
    before = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    own = ledger.list_newest(wanted, before, limit + 1)
    audiences, looked_to = _audiences(wanted, before, ledger.list_newest)
    found = sorted([*own, *audiences], key=lambda entry: entry.id, reverse=True)
    if looked_to is not None:
        found = [entry for entry in found if entry.id >= looked_to]
    ends_at = looked_to if len(found) <= limit else found[limit - 1].id
    return Page(
        found[:limit], None if ends_at is None else paging.encode_cursor(ends_at.hex, bound_to)
    )


def stream_about(wanted: EntryFilter, cursor: str | None, at_once: int) -> Iterator[list[Entry]]:
    """All of it, in portions; the first is read when it is asked for."""
    while True:
        page = list_about(wanted, cursor, at_once)
        yield list(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _audiences(
    wanted: EntryFilter, start: UUID | None, read: _Read
) -> tuple[list[Entry], UUID | None]:
    """The screenings from an entry on that the customer was in, as `read` lists them, and up to
    which they were looked through; None when that is all of them."""
    if wanted.kinds is not None and EntryKind.SCREENING not in wanted.kinds:
        return [], None
    assert wanted.place is not None
    kinds = frozenset({EntryKind.SCREENING})
    asked = replace(wanted, place=None, outcome=None, kinds=kinds)
    some = read(asked, start, _AUDIENCES)
    told = screenings.find_memberships(CustomerId(wanted.place), [entry.id for entry in some])
    found = [
        replace(entry, outcome=outcome_of(told[entry.id]).value, reason=told[entry.id].value)
        for entry in some
        if entry.id in told
    ]
    if wanted.outcome is not None:
        found = [entry for entry in found if entry.outcome == wanted.outcome]
    return found, some[-1].id if len(some) == _AUDIENCES else None
