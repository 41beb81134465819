"""A chart of months as rectangles, and the numbers it is drawn from. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from consent_service.ledger.model import EntryKind

MONTHS = 12
WIDTH, HEIGHT, FLOOR, SLOT = 324, 132, 112, 27


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in a month: checks and uses, allowed or not."""

    begins: datetime
    asked_yes: int
    asked_no: int
    used_yes: int
    used_no: int

    @property
    def yes(self) -> int:
        """What was allowed."""
        return self.asked_yes + self.used_yes

    @property
    def no(self) -> int:
        """What was not."""
        return self.asked_no + self.used_no


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the chart."""

    kind: str
    x: float
    y: float
    height: float


def since(now: datetime) -> datetime:
    """When the first of the last twelve months begins, by UTC."""
    at = now.year * 12 + now.month - MONTHS
    return datetime(at // 12, at % 12 + 1, 1, tzinfo=UTC)


def months(first: datetime, counted: Iterable[tuple[str, EntryKind, str, int]]) -> list[Month]:
    """Twelve months, of what `ledger.count_by_month` counted."""
    at = [first.year * 12 + first.month - 1 + month for month in range(MONTHS)]
    begins = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in at]
    sums = {f"{begin:%Y-%m}": [0, 0, 0, 0] for begin in begins}
    for month, kind, outcome, count in counted:
        if month in sums:
            sums[month][2 * (kind is EntryKind.DISCLOSURE) + (outcome != "permit")] += count
    return [Month(begin, *found) for begin, found in zip(begins, sums.values(), strict=True)]


def bars(found: Sequence[Month], *, mirrored: bool) -> list[Bar]:
    """What is drawn: for each month what was allowed, and on top of it what was not. `mirrored`:
    time runs from right to left."""
    most = max((month.yes + month.no for month in found), default=0) or 1
    drawn = []
    for at, month in enumerate(found):
        x = place(at, mirrored=mirrored)
        yes, no = (round(count / most * (FLOOR - 8), 1) for count in (month.yes, month.no))
        drawn.append(Bar("yes", x, FLOOR - yes, yes))
        drawn.append(Bar("no", x, FLOOR - yes - no, no))
    return [bar for bar in drawn if bar.height]


def place(at: int, *, mirrored: bool) -> int:
    """Where a month's bar begins."""
    return SLOT * ((MONTHS - 1 - at) if mirrored else at) + 4
