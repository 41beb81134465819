"""Many answers under one catalogue at one moment. The rule book is the one of a single check: it is
opened once for each question about each set of facts that is different, and not for each person."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from consent_service.catalogue.model import Catalogue, Purpose
from consent_service.consents.model import Record, record_for
from consent_service.decisions.model import (
    Outcome,
    Person,
    Question,
    Reason,
    Verdict,
    channel_meant,
    decide,
)


def verdict_of(question: Question, person: Person, catalogue: Catalogue, now: datetime) -> Verdict:
    """The verdict, also for a purpose that the catalogue does not know."""
    if question.purpose not in catalogue.purposes:
        asked = question.data_categories or ()
        return Verdict(Outcome.DENY, Reason.UNKNOWN_PURPOSE, question.channel, asked, None, now)
    return decide(question, person, catalogue, now)


class Judge:
    """Remembers what it said, for as long as one request lasts."""

    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        self._catalogue, self._now = catalogue, now
        self._verdicts: dict[tuple[Any, ...], Verdict] = {}

    def verdict_of(self, question: Question, person: Person) -> Verdict:
        """As the function; of somebody with a mark it remembers nothing."""
        purpose = self._catalogue.purposes.get(question.purpose)
        if person.marks or purpose is None:
            return verdict_of(question, person, self._catalogue, self._now)
        record = record_for(person.records, purpose.key, channel_meant(question, purpose))
        read = (question, person.facts, record and _read_of(record, purpose))
        verdict = self._verdicts.get(read)
        if verdict is None:
            verdict = self._verdicts[read] = decide(question, person, self._catalogue, self._now)
        return verdict if verdict.record is record else replace(verdict, record=record)


def _read_of(record: Record, purpose: Purpose) -> tuple[Any, ...]:
    """What a decision about somebody without marks reads of a record: which one it is, and of
    which revision, goes into the answer alone."""
    return (
        record.state,
        record.happened_at if purpose.validity_days is not None else None,
        record.notice_version,
        record.by_guardian,
        record.direct,
        record.standing_no,
    )
