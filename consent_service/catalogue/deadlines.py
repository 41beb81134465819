"""When a privacy request is due, as the catalogue says. No I/O.

Calendar days end at the hour of the receipt, in UTC. A month ends at that hour of the same day of
the month, or of the last day of a shorter one; a last day that is a holiday or falls on the end of
a week is not moved on. Working days are Monday to Friday in UTC, counted from the day after the
receipt; public holidays are not known here and count as working days, so that a date is never
later than the law's. Source: the `source` of each jurisdiction; of months, Regulation (EEC,
Euratom) No 1182/71, art. 3(1) and 3(2)(c).
"""

from calendar import monthrange
from datetime import datetime, timedelta
from enum import StrEnum

from consent_service.catalogue.jurisdictions import jurisdiction_chain
from consent_service.catalogue.model import Catalogue, Jurisdiction

_SATURDAY = 5


class WorkingDays(StrEnum):
    """What may be counted in working days: the days of a kind of request, or the extension."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    EXTENSION = "extension"


def due_at(
    catalogue: Catalogue, jurisdiction: str | None, kind: str, received_at: datetime
) -> datetime:
    """When a request of a kind is due. Where the jurisdiction is unknown or not declared, the
    earliest that any declared one asks for."""
    return min(_due_at(each, kind, received_at) for each in _asked(catalogue, jurisdiction))


def extended_due_at(
    catalogue: Catalogue,
    jurisdiction: str | None,
    kind: str,
    received_at: datetime,
    due_at: datetime,
) -> datetime:
    """When a request is due that was due at `due_at` and is extended: `due_at` itself where the
    jurisdiction knows no extension, or, of one not declared, any declared one knows none."""
    return min(
        _extended(each, kind, received_at, due_at) for each in _asked(catalogue, jurisdiction)
    )


def _asked(catalogue: Catalogue, code: str | None) -> list[Jurisdiction]:
    declared = catalogue.jurisdictions
    found = [declared[each] for each in jurisdiction_chain(code) if each in declared]
    return found[:1] or list(declared.values())


def _due_at(jurisdiction: Jurisdiction, kind: str, received_at: datetime) -> datetime:
    months = jurisdiction.request_months.get(kind)
    if months is not None:
        return _months_later(received_at, months)
    return _days_later(jurisdiction, kind, jurisdiction.request_days[kind], received_at)


def _extended(
    jurisdiction: Jurisdiction, kind: str, received_at: datetime, due_at: datetime
) -> datetime:
    """Months on months are counted from the receipt: a short month between takes no day away."""
    months, more = jurisdiction.request_months.get(kind), jurisdiction.extension_months
    if not more:
        return _days_later(jurisdiction, WorkingDays.EXTENSION, jurisdiction.extension_days, due_at)
    if months is None:
        return _months_later(due_at, more)
    return max(due_at, _months_later(received_at, months + more))


def _months_later(since: datetime, months: int) -> datetime:
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return since.replace(year=year, month=month + 1, day=min(since.day, last))


def _days_later(jurisdiction: Jurisdiction, named: str, days: int, since: datetime) -> datetime:
    if named not in jurisdiction.working_days:
        return since + timedelta(days=days)
    moment = since
    while days > 0:
        moment += timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment
