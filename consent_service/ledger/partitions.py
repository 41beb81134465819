"""Months of the log. On PostgreSQL each has a partition of its own, a range of ids: an id begins
with the time it was made at. SQLite keeps one table, and nothing here does anything.

Partitions are made ahead. An entry of a month that has none goes to the rest, so that a write
never fails for want of one, and is moved when its month gets one.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple
from uuid import UUID

import structlog

from consent_service.kernel.ids import first_uuid_of, time_of
from consent_service.ledger import partition_store as store
from consent_service.storage.unit_of_work import reading, unit_of_work

AHEAD = 2
MOST_MOVED = 100_000  # entries, in a second or two in which nobody else gets at the log

_log = structlog.get_logger()


class Month(NamedTuple):
    """A month of ids, in UTC."""

    year: int
    month: int

    @property
    def name(self) -> str:
        """The name of its partition."""
        return f"{store.PARENT}_{self.year:04}_{self.month:02}"

    @property
    def after(self) -> "Month":
        """The next one."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def first(self) -> UUID:
        """What no id of it, or of a later one, is smaller than."""
        return first_uuid_of(datetime.fromisoformat(f"{self.year:04}-{self.month:02}-01T00:00Z"))


def month_of(instant: datetime) -> Month:
    """The month of an aware UTC instant."""
    return Month(instant.year, instant.month)


def make_ahead(now: datetime) -> int:
    """Makes what is missing of the partitions of this month and the next two; how many. Raises:
    Unavailable when writers kept it waiting; what was made by then stays."""
    return _make_missing(islice(_months_from(month_of(now)), 1 + AHEAD))


def make_back_to(first: UUID, now: datetime) -> int:
    """Makes what is missing of the partitions from the month of an id up to this one; how many."""
    last = month_of(now)
    return _make_missing(takewhile(lambda m: m <= last, _months_from(month_of(time_of(first)))))


def _months_from(month: Month) -> Iterator[Month]:
    while True:
        yield month
        month = month.after


def _make_missing(wanted: Iterable[Month]) -> int:
    have = _list_partitions()
    if have is None:
        return 0
    return sum(_make(month) for month in wanted if month.name not in have)


def _list_partitions() -> list[str] | None:
    with reading() as tx:
        return store.list_partitions(tx) if store.is_partitioned(tx) else None


def _make(month: Month) -> bool:
    name, lo, hi = month.name, month.first, month.after.first
    with unit_of_work() as tx:
        store.begin(tx)
        if name in store.list_partitions(tx):
            return False
        strays = store.count_strays(tx, lo, hi, MOST_MOVED + 1)
        if strays > MOST_MOVED:
            _log.warning("ledger:partition:left_in_the_rest", partition=name)
            return False
        if strays:
            store.lock_all(tx)
        store.create(tx, name, lo, hi)
        if strays:
            store.move_strays(tx, name, lo, hi)
        store.attach(tx, name, lo, hi)
    return True


def drop_emptied(until: UUID) -> int:
    """Drops partitions that end before an id and have no entry left; how many."""
    names = [name for name in _list_partitions() or () if _month_named(name).after.first <= until]
    return sum(_drop(name) for name in names)


def _drop(name: str) -> bool:
    with unit_of_work() as tx:
        store.begin(tx)
        return name in store.list_partitions(tx) and store.drop_if_empty(tx, name)


def _month_named(name: str) -> Month:
    year, month = name.removeprefix(store.PARENT + "_").split("_")
    return Month(int(year), int(month))
