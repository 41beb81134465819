"""Many people asked about with one question. The rule book is the one of a single check: it is
opened once for each set of facts that is different, and not for each person."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.customers import identifiers
from consent_service.decisions import audience_store as store
from consent_service.decisions.audience_store import Asked
from consent_service.decisions.crowd import Crowd, Hashes, Ids, Subject
from consent_service.decisions.model import (
    Check,
    Outcome,
    Question,
    Reason,
    Verdict,
    channel_meant,
    decide,
    outcome_of,
)
from consent_service.decisions.service import judge
from consent_service.storage.unit_of_work import reading

REASONS = tuple(Reason)
NOBODY = 0xFF
_UNJUDGED = 0xFE
_CODES = {reason: code for code, reason in enumerate(REASONS)}
PERMITTED = bytes(
    code < len(REASONS) and outcome_of(REASONS[code]) is Outcome.PERMIT for code in range(256)
)
_AT_ONCE = 10_000


class Answers(Struct):
    """What holds for each row of some crowds, in order: `codes` has for each the place of its
    reason in `REASONS`, or `NOBODY` where it names none. `members` are those who are known here:
    secrets of 16 bytes each that find them among an audience's members, and what was answered, the
    permits last. `valid_until` is the earliest of the permits'."""

    codes: bytearray
    members: list[tuple[bytes, Reason]]
    valid_until: datetime | None = None


class Audience:
    """A question about many, asked at one moment under one catalogue. `channel` is the one that is
    meant."""

    def __init__(
        self, question: Question, catalogue: Catalogue, now: datetime, keys: Keyring
    ) -> None:
        self._question, self._catalogue, self._now, self._keys = question, catalogue, now, keys
        self._purpose = catalogue.purposes[question.purpose]
        self.channel = channel_meant(question, self._purpose)
        self._verdicts: dict[tuple[Any, ...], Verdict] = {}

    def judge(self, crowds: Sequence[Crowd]) -> Answers:
        """What holds for each. Raises: Unavailable."""
        asked, codes = Asked(), bytearray()
        for crowd in crowds:
            self._ask(asked, len(codes), crowd)
            codes += bytes((_UNJUDGED,)) * len(crowd)
        answers = Answers(codes, [])
        for some in store.gather_plain(asked, self._purpose, self.channel):
            if not some.marked:
                _answer(answers, self._verdict(some.facts), some.positions, some.secrets)
        left = _left(crowds, codes)
        while some_left := list(islice(left, _AT_ONCE)):
            self._one_by_one(answers, some_left)
        answers.members.sort(key=lambda each: PERMITTED[_CODES[each[1]]])
        return answers

    def _ask(self, asked: Asked, first: int, crowd: Crowd) -> None:
        if isinstance(crowd, Ids):
            asked.ids.add(range(first, first + len(crowd)), crowd.packed)
        elif isinstance(crowd, Hashes):
            for digests in identifiers.list_indexes(crowd.type, crowd.packed, self._keys):
                asked.digests.add(range(first, first + len(crowd)), digests)
        else:
            named = [(first + at, one) for at, one in enumerate(crowd.subjects) if one is not None]
            ids = [(at, one.bytes) for at, one in named if isinstance(one, UUID)]
            asked.ids.add([at for at, _ in ids], b"".join([one for _, one in ids]))
            others = [(at, one) for at, one in named if not isinstance(one, UUID)]
            probes = identifiers.list_probes([one for _, one in others], self._keys)
            found = b"".join([digest for _, digest in probes])
            asked.digests.add([others[which][0] for which, _ in probes], found)

    def _verdict(self, facts: tuple[Any, ...]) -> Verdict:
        verdict = self._verdicts.get(facts)
        if verdict is None:
            person = store.person_of(facts, self._purpose, self.channel)
            verdict = decide(self._question, person, self._catalogue, self._now)
            self._verdicts[facts] = verdict
        return verdict

    def _one_by_one(self, answers: Answers, left: Sequence[tuple[int, Subject]]) -> None:
        """Those who are not plain: unknown, merged, or with a mark beside them."""
        subjects = list(dict.fromkeys(subject for _, subject in left))
        checks = [_check(self._question, subject) for subject in subjects]
        judged = judge(checks, self._catalogue, self._now, self._keys)
        with reading() as tx:
            places = {place for place, _ in judged if place is not None}
            secrets = store.list_audience_secrets(tx, sorted(places))
        found = dict(zip(subjects, judged, strict=True))
        for at, subject in left:
            place, verdict = found[subject]
            secret = b"" if place is None else secrets.get(place, b"")
            _answer(answers, verdict, [at], secret)


def _check(question: Question, subject: Subject) -> Check:
    if isinstance(subject, UUID):
        return Check(question, subject, None, {})
    return Check(question, None, subject, {})


def _answer(answers: Answers, verdict: Verdict, at: Sequence[int], secrets: bytes) -> None:
    code, codes = _CODES[verdict.reason], answers.codes
    for each in at:
        codes[each] = code
    if secrets:
        answers.members.append((secrets, verdict.reason))
    if verdict.outcome is Outcome.PERMIT:
        until = verdict.valid_until
        answers.valid_until = min(until, answers.valid_until or until)


def _left(crowds: Sequence[Crowd], codes: bytearray) -> Iterator[tuple[int, Subject]]:
    """Those nobody has answered yet; who names nobody is marked so."""
    first = 0
    for crowd in crowds:
        at = codes.find(_UNJUDGED, first, first + len(crowd))
        while at >= 0:
            subject = crowd.subject(at - first)
            if subject is None:
                codes[at] = NOBODY
            else:
                yield at, subject
            at = codes.find(_UNJUDGED, at + 1, first + len(crowd))
        first += len(crowd)
