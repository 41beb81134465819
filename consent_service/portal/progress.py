"""How far each recipient of a request is, in plain words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.disclosures.texts import name_in
from consent_service.recipients import service as recipients
from consent_service.recipients.model import (
    CONFIRMED,
    Task,
    TaskKind,
    TaskOutcome,
    Words,
    is_overdue,
)
from consent_service.web.texts import Language, say


@dataclass(frozen=True, slots=True)
class Progress:
    """A recipient of the catalogue's, where it stands, and since when. `mark` is how it is shown:
    `yes` once it confirmed, `breach` where it did not or is late, else `no`."""

    name: str
    stands: str
    why: str
    mark: str
    told_at: datetime | None
    ended_at: datetime | None


def list_progress(request_id: UUID, spoken: Language, now: datetime) -> list[Progress]:
    """Every recipient that was told of a request, by name."""
    found = [_progress(task, spoken, now) for task in recipients.list_of(request_id)]
    return sorted(found, key=lambda each: each.name)


def _progress(task: Task, spoken: Language, now: datetime) -> Progress:
    catalogue = catalogues.current()
    known = catalogue.recipients.get(task.recipient)
    return Progress(
        say(spoken, "Somebody") if known is None else name_in(spoken, known.text, catalogue),
        _stands(task, spoken, now),
        _why(task, spoken),
        _mark(task, now),
        task.reached_at,
        task.ended_at,
    )


def _stands(task: Task, spoken: Language, now: datetime) -> str:
    said = {
        TaskOutcome.DONE: say(spoken, "confirmed: done"),
        TaskOutcome.NOTHING_HELD: say(spoken, "confirmed: holds nothing about you"),
        TaskOutcome.NOT_DONE: say(spoken, "refused"),
        TaskOutcome.SETTLED: say(spoken, "never answered; we no longer wait"),
    }
    if task.outcome is not None:
        return said[task.outcome]
    if is_overdue(task, now):
        return say(spoken, "overdue: no answer for more than 75 hours")
    if task.reached_at is None:
        return say(spoken, "being told")
    return say(spoken, "told, no answer yet")


def _why(task: Task, spoken: Language) -> str:
    words = {
        Words.LEGAL_OBLIGATION: say(spoken, "The law obliges them to keep it."),
        Words.LEGAL_CLAIMS: say(spoken, "They need it for legal claims."),
        Words.NOT_POSSIBLE: say(spoken, "It was not possible for them."),
    }
    said = [say(spoken, "The stop has ended")] if task.kind is TaskKind.RESTRICTION_END else []
    said += [] if task.words is None else [words[task.words]]
    return ". ".join(said)


def _mark(task: Task, now: datetime) -> str:
    if task.outcome in CONFIRMED:
        return "yes"
    return "breach" if task.outcome is not None or is_overdue(task, now) else "no"
