"""When a privacy request is due, as the catalogue says. No I/O.

Calendar days end at the hour of the receipt, in UTC. Working days are Monday to Friday in UTC,
counted from the day after the receipt; public holidays are not known here and count as working
days, so that a date is never later than the law's. Source: the `source` of each jurisdiction.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from consent_service.catalogue.model import Catalogue, Jurisdiction, jurisdiction_chain

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
    return min(
        _later(each, kind, each.request_days[kind], received_at)
        for each in _asked(catalogue, jurisdiction)
    )


def extended_due_at(catalogue: Catalogue, jurisdiction: str | None, due_at: datetime) -> datetime:
    """When a request is due that was due at `due_at` and is extended: `due_at` itself where the
    jurisdiction knows no extension, or, of one not declared, any declared one knows none."""
    return min(
        _later(each, WorkingDays.EXTENSION, each.extension_days, due_at)
        for each in _asked(catalogue, jurisdiction)
    )


def _asked(catalogue: Catalogue, code: str | None) -> list[Jurisdiction]:
    declared = catalogue.jurisdictions
    found = [declared[each] for each in jurisdiction_chain(code) if each in declared]
    return found[:1] or list(declared.values())


def _later(jurisdiction: Jurisdiction, named: str, days: int, since: datetime) -> datetime:
    if named not in jurisdiction.working_days:
        return since + timedelta(days=days)
    moment = since
    while days > 0:
        moment += timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment
