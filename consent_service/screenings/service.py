"""Screening audiences, and finding a person in those that were screened."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

import msgspec

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.customers.audiences import list_audience_secrets
from consent_service.decisions.audience import Audience, Judged, Subject
from consent_service.decisions.model import Outcome, Reason
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, encode, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.merkle import root_of
from consent_service.ledger.model import Entry, EntryKind
from consent_service.screenings import members, store
from consent_service.screenings.forms import Form, Named, form_of
from consent_service.screenings.model import Request, Screening, Summary, Unusable
from consent_service.storage.unit_of_work import reading, unit_of_work

Progress = Callable[[int], None]


class _Tally:
    """What has come of the rows so far. Members wait in a spool until all of it is logged."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()
        self.permitted = 0
        self.valid_until: datetime | None = None
        self.members = _Members()

    def add(self, named: Sequence[Named], judged: Iterator[Judged]) -> list[bool]:
        """Counts a portion; which of its rows are permitted."""
        permitted = []
        for one in named:
            if isinstance(one, Unusable):
                self.unusable[one.value] += 1
                permitted.append(False)
                continue
            found = next(judged)
            self.reasons[found.reason.value] += 1
            permitted.append(found.outcome is Outcome.PERMIT)
            if found.secret is not None:
                self.members.add(found.secret, found.reason)
            if found.outcome is Outcome.PERMIT:
                self.permitted += 1
                self.valid_until = min(found.valid_until, self.valid_until or found.valid_until)
        return permitted


class _Members:
    """Those of an audience who are known here, part by part."""

    def __init__(self) -> None:
        self.key = os.urandom(members.KEY_BYTES)
        self.shard_bits: list[int] = []
        self.hashes: list[bytes] = []
        self.count = 0
        self._waiting: list[tuple[bytes, Reason]] = []
        self._spool = Spool()
        self._lengths: list[tuple[int, int, int]] = []

    def add(self, secret: bytes, reason: Reason) -> None:
        """Adds one, or once more."""
        self._waiting.append((secret, reason))
        if len(self._waiting) == members.PART:
            self.end_part()

    def end_part(self) -> None:
        """Packs those who wait."""
        if not self._waiting:
            return
        answers = dict(self._waiting)
        part, self._waiting = len(self.shard_bits), []
        tags = members.tags(self.key, list(answers))
        self.shard_bits.append(members.shard_bits(len(answers)))
        self.count += len(answers)
        for shard, packed in members.pack(list(zip(tags, answers.values(), strict=True))):
            self.hashes.append(members.shard_hash(part, shard, packed))
            self._lengths.append((part, shard, self._spool.write(packed)))

    def shards(self) -> Iterator[tuple[int, int, bytes]]:
        """All that was packed: part, shard, members."""
        self._spool.seek(0)
        for part, shard, length in self._lengths:
            yield part, shard, self._spool.read(length)


def screen(
    source: IO[bytes],
    asked: Request,
    client_id: str,
    now: datetime,
    keys: Keyring,
    progress: Progress = lambda _: None,
) -> tuple[Summary, Spool]:
    """Asks about a whole audience: one entry in the log, durable when this returns, and the
    permitted rows. `progress` is told how many rows more are judged.

    Raises: Invalid for an unknown purpose or a body that cannot be read; Unavailable.
    """
    catalogue = catalogues.current()
    if asked.question.purpose not in catalogue.purposes:
        raise Invalid.at("/purpose", "unknown_purpose", "Not in the catalogue.")
    permitted = Spool()
    form = form_of(asked.form, source, permitted, asked.column)
    audience = Audience(asked.question, catalogue, now, keys)
    tally = _judge(form, audience, progress)
    screening_id = new_uuid()
    summary = _summary(screening_id, asked, catalogue, tally, now)
    _log(screening_id, asked, summary, tally, client_id, catalogue, now)
    form.finish(summary)
    permitted.seek(0)
    return summary, permitted


def _judge(form: Form, audience: Audience, progress: Progress) -> _Tally:
    tally = _Tally()
    for named in form.portions():
        subjects: list[Subject] = [one for one in named if not isinstance(one, Unusable)]
        form.keep(tally.add(named, iter(audience.judge(subjects))))
        progress(len(named))
    tally.members.end_part()
    return tally


def _summary(
    screening_id: UUID, asked: Request, catalogue: Catalogue, tally: _Tally, now: datetime
) -> Summary:
    purpose = catalogue.purposes[asked.question.purpose]
    categories = asked.question.data_categories
    until = tally.valid_until or now + timedelta(seconds=purpose.answer_lifetime_s)
    judged = tally.reasons.total()
    return Summary(
        encode("scr", screening_id, screening_id),
        purpose.key,
        asked.question.channel,
        purpose.data_categories if categories is None else categories,
        asked.question.recipient,
        rfc3339(now),
        rfc3339(until),
        judged + tally.unusable.total(),
        tally.permitted,
        judged - tally.permitted,
        dict(sorted(tally.reasons.items())),
        dict(sorted(tally.unusable.items())),
    )


def _log(
    screening_id: UUID,
    asked: Request,
    summary: Summary,
    tally: _Tally,
    client_id: str,
    catalogue: Catalogue,
    now: datetime,
) -> None:
    question, touchpoint = asked.question, asked.context.get("touchpoint")
    salt, payload = os.urandom(32), _payload(asked, summary, tally.members)
    entry = Entry(
        screening_id,
        screening_id,
        False,
        EntryKind.SCREENING,
        now,
        now,
        client_id=client_id,
        purpose=question.purpose,
        channel=question.channel,
        data_categories=tuple(c for c in summary.data_categories if c in catalogue.data_categories),
        recipient=question.recipient,
        touchpoint=touchpoint if touchpoint in catalogue.touchpoints else None,
        catalogue_version=catalogue.version,
    )
    kept = Screening(
        screening_id,
        client_id,
        question.recipient,
        now,
        salt,
        payload,
        tally.members.key,
        tuple(tally.members.shard_bits),
    )
    with unit_of_work() as tx:
        store.add(tx, kept)
        store.add_shards(tx, screening_id, tally.members.shards())
        ledger.append([ledger.committed_entry(entry, salt, payload)])


def _payload(asked: Request, summary: Summary, found: _Members) -> bytes:
    """What the entry's commitment is of: RFC 8785, its strings being plain."""
    said = {
        **msgspec.to_builtins(summary),
        "context": dict(asked.context),
        "form": asked.form.value,
        "members": found.count,
        "members_root": root_of(found.hashes).hex() if found.hashes else None,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def get_summary(
    screening_id: UUID, client_id: str, recipients: Sequence[str] = ()
) -> dict[str, object]:
    """What came of a screening that this client asked for, or that was for one of these
    recipients. Raises: NotFound."""
    with reading() as tx:
        found = store.find(tx, screening_id)
    if found is None or (found.client_id != client_id and found.recipient not in recipients):
        raise NotFound()
    told: dict[str, object] = msgspec.json.decode(found.payload)
    return told


def find_memberships(customer_id: CustomerId, screenings: Iterable[UUID]) -> dict[UUID, Reason]:
    """In which of these screenings a customer was, and what was answered about them."""
    secrets = list_audience_secrets(customer_id)
    with reading() as tx:
        kept = store.find_many(tx, list(screenings))
        places = [
            (one.id, part, members.shard_of(tag, bits), tag, bits)
            for one in kept.values()
            for tag in members.tags(one.key, secrets)
            for part, bits in enumerate(one.shard_bits)
        ]
        shards = store.find_shards(tx, [place[:3] for place in places])
    found: dict[UUID, Reason] = {}
    for screening_id, part, shard, tag, bits in places:
        reason = members.find(tag, bits, shards.get((screening_id, part, shard), b""))
        if reason is not None:
            found[screening_id] = reason
    return found
