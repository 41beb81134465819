"""What a person sees of each use, what they say on a page, and what comes of it. No I/O.

Whether a use may be made is asked of the rule book, here as everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum

from consent_service.catalogue.model import Catalogue, Channel, LegalBasis, NoticeVersion, Purpose
from consent_service.consents.model import EffectiveConsent, EventKind, Record, State
from consent_service.decisions.model import Outcome, Person, Question, Reason, decide
from consent_service.kernel.errors import Invalid

_OBJECTIONS = (LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK)
_ASKED_AGAIN = ("expired", "notice_outdated", "revoked", "no_record")


class Ask(StrEnum):
    """What a person is asked about a use: for a yes, whether they object, or nothing."""

    YES = "yes"
    OBJECTION = "objection"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Use:
    """A purpose on a channel, for one person at an instant. `answer` is what they said, where it
    need not be asked again; `reason` is what a check would be answered now; `notice` is in use,
    `seen` the version they said yes to where that is another."""

    purpose: Purpose
    channel: Channel | None
    ask: Ask
    answer: bool | None
    reason: Reason
    used: bool
    record: Record | None
    expires_at: datetime | None
    notice: NoticeVersion | None
    seen: NoticeVersion | None
    outdated: bool

    @property
    def name(self) -> str:
        """What its field is called."""
        return self.purpose.key if self.channel is None else f"{self.purpose.key}/{self.channel}"

    @property
    def known(self) -> str:
        """Tells what it was shown with: the event behind it, and the wording."""
        event = "-" if self.record is None else self.record.event_id.hex
        return f"{event}:{self.version}"

    @property
    def version(self) -> str | None:
        """The version of the notice in use."""
        return None if self.notice is None else self.notice.version

    @property
    def alone(self) -> bool:
        """Whether it is asked by itself, and no "accept all" bears on it."""
        return self.purpose.separate or self.purpose.explicit

    @property
    def may_say_yes(self) -> bool:
        """Whether the person themself can say yes now."""
        return self.notice is not None and self.reason is not Reason.GUARDIAN_REQUIRED

    @property
    def by_all(self) -> bool:
        """Whether "refuse all" bears on it."""
        return self.ask is Ask.YES or (self.ask is Ask.OBJECTION and self.purpose.direct_marketing)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page showed of a use when it was opened."""

    answer: bool | None
    known: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be recorded, and which uses look different by now: a yes to those is not taken,
    they are shown again. `meant` are all that somebody said something about."""

    events: tuple[tuple[Use, EventKind], ...]
    stale: tuple[Use, ...]
    meant: tuple[Use, ...]


def list_uses(
    catalogue: Catalogue, found: Iterable[EffectiveConsent], person: Person, now: datetime
) -> list[Use]:
    """Every use of the catalogue, for one person."""
    return [_use(catalogue, each, person, now) for each in found]


def _use(catalogue: Catalogue, found: EffectiveConsent, person: Person, now: datetime) -> Use:
    purpose, record = found.purpose, found.record
    recipient = purpose.recipients[0] if purpose.recipients else None
    question = Question(purpose.key, found.channel, None, recipient)
    verdict = decide(question, person, catalogue, now)
    notice, seen = catalogue.notice_in_use(purpose.notice, now), None
    said_yes = record is not None and record.state is State.GIVEN
    if record is not None and said_yes and record.notice_version is not None:
        seen = catalogue.find_notice(purpose.notice, record.notice_version)
    return Use(
        purpose,
        found.channel,
        _ask(catalogue, purpose, person),
        _answer(found.state),
        verdict.reason,
        verdict.outcome is Outcome.PERMIT,
        record,
        found.expires_at,
        notice,
        None if seen == notice else seen,
        found.state == "notice_outdated",
    )


def _ask(catalogue: Catalogue, purpose: Purpose, person: Person) -> Ask:
    assert person.facts is not None
    accepted = purpose.legal_basis in catalogue.accepted_bases(person.facts.jurisdiction)
    if purpose.legal_basis is LegalBasis.CONSENT or not accepted:
        return Ask.YES
    return Ask.OBJECTION if purpose.legal_basis in _OBJECTIONS else Ask.NOTHING


def _answer(state: str) -> bool | None:
    return None if state in _ASKED_AGAIN else state in ("given", "requested")


def plan(uses: Iterable[Use], wanted: Mapping[str, bool], shown: Mapping[str, Shown]) -> Plan:
    """What a form comes to: `wanted` are the answers that were sent, `shown` what it was opened
    with. An answer that was left as it was shown is none. A no always counts; a yes only to what
    is as it was shown."""
    meant, yes, no, stale = [], [], [], []
    for use in uses:
        want, seen = wanted.get(use.name), shown.get(use.name)
        if want is None or use.ask is Ask.NOTHING or (seen is not None and seen.answer is want):
            continue
        meant.append(use)
        if use.answer is want:
            continue
        if not want:
            no.append((use, _no(use)))
        elif seen is None or seen.known != use.known or not use.may_say_yes:
            stale.append(use)
        else:
            yes.append((use, EventKind.GIVEN))
    return Plan(tuple(no if stale else no + yes), tuple(stale), tuple(meant))


def _no(use: Use) -> EventKind:
    if use.ask is Ask.OBJECTION:
        return EventKind.OBJECTED
    said = None if use.record is None else use.record.state
    return EventKind.WITHDRAWN if said in (State.GIVEN, State.REQUESTED) else EventKind.REFUSED


def want_all(uses: Iterable[Use], answer: bool) -> dict[str, bool]:
    """What "accept all" and "refuse all" say. A yes to what has to be asked by itself, or that the
    person cannot give, is left out; so is one to what is used already."""
    if not answer:
        return {use.name: False for use in uses if use.by_all}
    return {
        use.name: True
        for use in uses
        if use.by_all and not use.alone and use.may_say_yes and not _goes_on(use)
    }


def _goes_on(use: Use) -> bool:
    return use.ask is Ask.OBJECTION and use.answer is None


def shown_text(uses: Iterable[Use]) -> str:
    """What a form carries of how its uses were shown."""
    marks = {True: "y", False: "n", None: "-"}
    return " ".join(f"{use.name}={marks[use.answer]}:{use.known}" for use in uses)


def read_shown(text: str, *, forced: bool = False) -> dict[str, Shown]:
    """What `shown_text` wrote; `forced`: every answer is meant, whatever was shown. Raises:
    Invalid."""
    marks = {"y": True, "n": False, "-": None}
    try:
        parts = [(name, *rest.split(":", 1)) for name, rest in _pairs(text)]
        return {name: Shown(None if forced else marks[mark], known) for name, mark, known in parts}
    except (KeyError, ValueError):
        raise Invalid() from None


def _pairs(text: str) -> list[tuple[str, str]]:
    found = [part.split("=", 1) for part in text.split(" ") if part]
    return [(name, rest) for name, rest in found]


def changes_of(old: str, new: str) -> list[tuple[str, str]]:
    """What changed between two texts, line by line: ("", line), ("-", line) or ("+", line)."""
    before, after = old.splitlines(), new.splitlines()
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [("", line) for line in before[a:b]]
        else:
            found += [("-", line) for line in before[a:b]]
            found += [("+", line) for line in after[c:d]]
    return found


def in_language(text: Mapping[str, str], wanted: Sequence[str]) -> tuple[str, str]:
    """A language that a text has, the first wanted of them, and the text in it."""
    code = next((code for code in wanted if code in text), next(iter(text)))
    return code, text[code]
