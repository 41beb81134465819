"""Which fields of a profile no purpose needs any more. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from consent_service.catalogue.model import Catalogue, Channel, LegalBasis, Purpose, Regime
from consent_service.consents.model import Record, State, expires_at, record_for

SETTLED_AFTER = timedelta(days=1)  # a catalogue that was loaded by mistake is taken back by then

Records = Mapping[tuple[str, Channel | None], Record]


class Held(Struct, frozen=True):
    """Of a person, what says how long their data is needed. `since`: from when on their profile is
    as it is."""

    since: datetime
    jurisdiction: str | None
    records: Records


def categories_of_fields(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """The data categories of every field that has any. Fields without are never removed."""
    found: dict[str, frozenset[str]] = {}
    for category in catalogue.data_categories.values():
        for field in category.profile_fields:
            found[field] = found.get(field, frozenset()) | {category.key}
    return found


def purposes_of_consent(catalogue: Catalogue) -> list[str]:
    """The purposes whose need of data ends with a consent."""
    return [p.key for p in catalogue.purposes.values() if p.legal_basis is LegalBasis.CONSENT]


def fields_past(catalogue: Catalogue, held: Held, now: datetime) -> frozenset[str]:
    """The fields of whose categories no purpose needs any."""
    needed = {
        category
        for purpose in catalogue.purposes.values()
        if _needs(purpose, catalogue, held, now)
        for category in purpose.data_categories
    }
    return frozenset(
        field
        for field, categories in categories_of_fields(catalogue).items()
        if needed.isdisjoint(categories)
    )


def _needs(purpose: Purpose, catalogue: Catalogue, held: Held, now: datetime) -> bool:
    """Another basis than consent lasts as long as the customer does; a consent until as many days
    after it ended as the purpose says. What was never said ended when the profile came."""
    if purpose.legal_basis is not LegalBasis.CONSENT:
        return True
    keep = timedelta(days=purpose.retention_days)
    for channel in purpose.channels or (None,):
        record = record_for(held.records, purpose.key, channel)
        if _is_opted_in_by_silence(purpose, channel, held.jurisdiction, record):
            return True
        end = held.since if record is None else _end(record, purpose, catalogue, now)
        if end is None or max(end, held.since) + keep > now:
            return True
    return False


def _is_opted_in_by_silence(
    purpose: Purpose, channel: Channel | None, jurisdiction: str | None, record: Record | None
) -> bool:
    by_silence = purpose.regime(channel, jurisdiction) is Regime.OPT_OUT and not purpose.explicit
    return by_silence and (record is None or record.no is None)


def _end(record: Record, purpose: Purpose, catalogue: Catalogue, now: datetime) -> datetime | None:
    """When a consent ended; None while it holds."""
    if record.state is not State.GIVEN:
        return record.recorded_from
    ends = [expires_at(record, purpose)]
    ends += [
        notice.in_use_from
        for notice in catalogue.notices[purpose.notice]
        if catalogue.is_outdated(purpose.notice, record.notice_version or "", notice.in_use_from)
    ]
    return min((end for end in ends if end is not None and end <= now), default=None)
