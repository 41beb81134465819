"""Screening audiences, and finding a person in those that were screened."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.customers.audiences import list_audience_secrets
from consent_service.decisions.model import Outcome, Reason, outcome_of
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, encode, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.merkle import root_of
from consent_service.ledger.model import Entry, EntryKind
from consent_service.screenings import members, store
from consent_service.screenings.judging import JudgedAudience, judge_audience
from consent_service.screenings.model import Request, Screening, Summary
from consent_service.screenings.tally import Members
from consent_service.storage.unit_of_work import reading, unit_of_work


class Concluded(Struct, frozen=True):
    """What came of an audience, and what is still to be logged of it."""

    summary: Summary
    screening: Screening
    entry: Entry
    members: Members


def screen(
    received: Spool, asked: Request, client_id: str, now: datetime, keys: Keyring
) -> tuple[Summary, Spool]:
    """Asks about a whole audience: one entry in the log, durable when this returns, and the
    permitted rows with the summary after them.

    Raises: Invalid for an unknown purpose or a body that cannot be read; Unavailable.
    """
    judged = judge_audience(received, asked, client_id, now, keys)
    concluded = conclude(judged)
    record_screening(concluded)
    return concluded.summary, judged.permitted


def conclude(judged: JudgedAudience, *, rows_only: bool = False) -> Concluded:
    """Ends the permitted rows with the summary; `rows_only` leaves it out where it would stand
    among the rows. The entry's id is made here: record it within a minute, so that it is sealed
    (`ledger.sealer` looks back so far)."""
    screening_id = new_uuid()
    summary = _summary(screening_id, judged)
    judged.form.finish(summary, rows_only=rows_only)
    found = judged.tally.members
    screening = Screening(
        screening_id,
        judged.client_id,
        judged.asked.question.recipient,
        judged.now,
        os.urandom(32),
        _payload(judged.asked, summary, found),
        found.key,
        tuple(found.shard_bits),
    )
    return Concluded(summary, screening, _entry(judged, screening, summary), found)


def record_screening(concluded: Concluded) -> None:
    """Logs a screening, once, in the caller's unit of work if there is one. Raises: Unavailable."""
    with unit_of_work() as tx:
        store.add(tx, concluded.screening)
        store.add_shards(tx, concluded.screening.id, concluded.members.shards())
        ledger.append([concluded.entry])


def _summary(screening_id: UUID, judged: JudgedAudience) -> Summary:
    question, tally, now = judged.asked.question, judged.tally, judged.now
    purpose = judged.catalogue.purposes[question.purpose]
    categories = question.data_categories
    until = tally.valid_until or now + timedelta(seconds=purpose.answer_lifetime_s)
    answered = tally.reasons.total()
    return Summary(
        encode("scr", screening_id, screening_id),
        purpose.key,
        question.channel,
        purpose.data_categories if categories is None else categories,
        question.recipient,
        rfc3339(now),
        rfc3339(until),
        answered + tally.unusable.total(),
        tally.permitted,
        answered - tally.permitted,
        dict(sorted(tally.reasons.items())),
        dict(sorted(tally.unusable.items())),
    )


def _entry(judged: JudgedAudience, kept: Screening, summary: Summary) -> Entry:
    question, catalogue = judged.asked.question, judged.catalogue
    touchpoint = judged.asked.context.get("touchpoint")
    entry = Entry(
        kept.id,
        kept.id,
        False,
        EntryKind.SCREENING,
        kept.evaluated_at,
        kept.evaluated_at,
        client_id=kept.client_id,
        purpose=question.purpose,
        channel=question.channel,
        data_categories=tuple(c for c in summary.data_categories if c in catalogue.data_categories),
        recipient=question.recipient,
        touchpoint=touchpoint if touchpoint in catalogue.touchpoints else None,
        catalogue_version=catalogue.version,
    )
    return ledger.committed_entry(entry, kept.salt, kept.payload)


def _payload(asked: Request, summary: Summary, found: Members) -> bytes:
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
    """In which of these screenings a customer was, and what was answered about them: a permit,
    where not all that named them came to the same."""
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
        if reason is not None and not _is_permit(found.get(screening_id)):
            found[screening_id] = reason
    return found


def _is_permit(reason: Reason | None) -> bool:
    return reason is not None and outcome_of(reason) is Outcome.PERMIT
