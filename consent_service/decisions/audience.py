"""Many people asked about with one question. The rule book is the one of a single check: it is
opened once for each set of facts that is different, and not for each person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.model import Named
from consent_service.decisions import audience_store as store
from consent_service.decisions.audience_store import Plain
from consent_service.decisions.model import (
    Check,
    Outcome,
    Question,
    Reason,
    Verdict,
    channel_meant,
    decide,
)
from consent_service.decisions.service import judge
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading

Subject = CustomerId | Named


class Judged(Struct, frozen=True):
    """What holds for one of an audience. `secret` finds them among its members; None for somebody
    who is not known here."""

    outcome: Outcome
    reason: Reason
    valid_until: datetime
    secret: bytes | None


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

    def judge(self, subjects: Sequence[Subject]) -> list[Judged]:
        """What holds for each, in order. Raises: Unavailable."""
        named = [s for s in subjects if not isinstance(s, UUID)]
        owners = customers.find_indexed_owners(named, self._keys) if named else {}
        ids = [s if isinstance(s, UUID) else owners.get(s) for s in subjects]
        there = list({one for one in ids if one is not None})
        with reading() as tx:
            found = store.gather_plain(tx, there, self._purpose, self.channel)
        plain = {one.customer_id: self._judged(one) for one in found if not one.marked}
        judged = [None if one is None else plain.get(one) for one in ids]
        others = self._one_by_one([s for s, j in zip(subjects, judged, strict=True) if j is None])
        return [others[s] if j is None else j for s, j in zip(subjects, judged, strict=True)]

    def _judged(self, one: Plain) -> Judged:
        verdict = self._verdicts.get(one.facts)
        if verdict is None:
            person = store.person_of(one, self._purpose, self.channel)
            verdict = decide(self._question, person, self._catalogue, self._now)
            self._verdicts[one.facts] = verdict
        return _judged(verdict, one.audience_secret)

    def _one_by_one(self, subjects: Sequence[Subject]) -> dict[Subject, Judged]:
        """Those who are not plain: unknown, merged, or with a mark beside them."""
        if not subjects:
            return {}
        checks = [
            Check(
                self._question,
                s if isinstance(s, UUID) else None,
                None if isinstance(s, UUID) else s,
                {},
            )
            for s in subjects
        ]
        judged = judge(checks, self._catalogue, self._now, self._keys)
        places = {place for place, _ in judged if place is not None}
        with reading() as tx:
            secrets = store.list_audience_secrets(tx, sorted(places))
        return {
            s: _judged(verdict, None if place is None else secrets.get(place))
            for s, (place, verdict) in zip(subjects, judged, strict=True)
        }


def _judged(verdict: Verdict, secret: bytes | None) -> Judged:
    return Judged(verdict.outcome, verdict.reason, verdict.valid_until, secret)
