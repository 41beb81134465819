"""Many people asked about with one question. The rule book is the one of a single check: it is
opened once for each set of facts that is different, and not for each person."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.customers import identifiers
from consent_service.decisions import audience_store as store
from consent_service.decisions.audience_store import Alike, Asked, Gathering
from consent_service.decisions.crowd import Crowd, Crowds, Hashes, Ids, Subject
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


Known = Callable[[bytes, Reason], None]


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

    def ask(self, asked: Asked, first: int, crowd: Crowd) -> None:
        """Adds a crowd, whose first has that position, to those who are asked about. Raises:
        Unavailable."""
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

    def known(self, gathering: Gathering) -> Iterator[tuple[Alike, Verdict]]:
        """Those who are found and bear no mark, and what is answered about them. Raises:
        Unavailable."""
        for some in gathering.answers(self._purpose, self.channel):
            if not some.marked:
                yield some, self._verdict(some.facts)

    def judge(self, subjects: Sequence[Subject]) -> list[tuple[Verdict, bytes]]:
        """Each as by a single check, with the secret of who is known. Raises: Unavailable."""
        unique = list(dict.fromkeys(subjects))
        checks = [_check(self._question, subject) for subject in unique]
        judged = judge(checks, self._catalogue, self._now, self._keys)
        with reading() as tx:
            places = {place for place, _ in judged if place is not None}
            secrets = store.list_audience_secrets(tx, sorted(places))
        found = {
            subject: (verdict, b"" if place is None else secrets.get(place, b""))
            for subject, (place, verdict) in zip(unique, judged, strict=True)
        }
        return [found[subject] for subject in subjects]

    def _verdict(self, facts: tuple[Any, ...]) -> Verdict:
        verdict = self._verdicts.get(facts)
        if verdict is None:
            person = store.person_of(facts, self._purpose, self.channel)
            verdict = decide(self._question, person, self._catalogue, self._now)
            self._verdicts[facts] = verdict
        return verdict


class Piece:
    """Rows of an audience that are answered together. `codes` has for each row in order the place
    of its reason in `REASONS`, or `NOBODY` where it names none; `valid_until` is the earliest of
    the permits'. Those who are known here are told, as secrets of 16 bytes each that find them
    among an audience's members, with what was answered about them."""

    def __init__(self, audience: Audience, known: Known) -> None:
        self.codes = bytearray()
        self.valid_until: datetime | None = None
        self._audience, self._known = audience, known
        self._crowds, self._asked, self._given = Crowds(), Asked(), 0

    def add(self, crowd: Crowd) -> None:
        """Adds rows. Raises: Unavailable."""
        self._audience.ask(self._asked, len(self.codes), crowd)
        self._crowds.add(crowd)
        self.codes += bytes((_UNJUDGED,)) * len(crowd)

    @property
    def waiting(self) -> int:
        """How many rows were not given away to be asked about."""
        return len(self.codes) - self._given

    def give(self) -> Asked:
        """Those who wait."""
        asked, self._asked, self._given = self._asked, Asked(), len(self.codes)
        return asked

    def answer(self, gathering: Gathering) -> None:
        """Answers everybody, by the store as it was when the gathering began, whose thread this is:
        those whom it knows, and then, one by one, those who are unknown, merged, or have a mark
        beside them. Raises: Unavailable."""
        for some, verdict in self._audience.known(gathering):
            self._answer(verdict, some.positions, some.secrets)
        self._answer_others()

    def _answer_others(self) -> None:
        left = self._left()
        while some := list(islice(left, _AT_ONCE)):
            judged = self._audience.judge([subject for _, subject in some])
            for (at, _), (verdict, secret) in zip(some, judged, strict=True):
                self._answer(verdict, [at], secret)

    def _left(self) -> Iterator[tuple[int, Subject]]:
        for at, subject in self._crowds.subjects(self.codes, _UNJUDGED):
            if subject is None:
                self.codes[at] = NOBODY
            else:
                yield at, subject

    def _answer(self, verdict: Verdict, at: Iterable[int], secrets: bytes) -> None:
        code, codes = _CODES[verdict.reason], self.codes
        for each in at:
            codes[each] = code
        if secrets:
            self._known(secrets, verdict.reason)
        if verdict.outcome is Outcome.PERMIT:
            until = verdict.valid_until
            self.valid_until = min(until, self.valid_until or until)


def _check(question: Question, subject: Subject) -> Check:
    if isinstance(subject, UUID):
        return Check(question, subject, None, {})
    return Check(question, None, subject, {})
