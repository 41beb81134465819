"""What is kept of a screening goes when its entry has gone from the log, and every use that rests
on it: who was in it, too."""

from datetime import datetime, timedelta
from uuid import UUID

from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import service as ledger
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.screenings import store
from consent_service.storage.unit_of_work import unit_of_work

_AT_ONCE = 20
_FRESH = timedelta(days=1)
_SCREENINGS = EntryFilter(kinds=frozenset({EntryKind.SCREENING}))


def forget_screenings(now: datetime) -> int:
    """Removes screenings older than the oldest that the log still has, which is all that retention
    has let go, but for those on which a use rests; how many. Those of the last day stay. Raises:
    Unavailable."""
    until = first_uuid_of(now - _FRESH)
    oldest = ledger.list_after(_SCREENINGS, None, 1)
    if oldest:
        until = min(until, oldest[0].id)
    gone, after = 0, UUID(int=0)
    while True:
        with unit_of_work() as tx:
            found = store.list_between(tx, after, until, _AT_ONCE)
            cited = ledger.list_cited(found)
            over = [each for each in found if each not in cited]
            if over:
                store.delete(tx, over)
        gone += len(over)
        if len(found) < _AT_ONCE:
            return gone
        after = found[-1]
