"""What the log keeps of an answer. No I/O."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from consent_service.catalogue.model import Catalogue
from consent_service.decisions.model import Check, Verdict
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.ledger.model import Entry, EntryKind


def entry_of(
    made: UUID,
    check_: Check,
    place: CustomerId | None,
    verdict: Verdict,
    catalogue: Catalogue,
    client_id: str,
    now: datetime,
    batch_id: UUID | None,
    parts: Mapping[str, Any],
) -> Entry:
    """The entry of an answer, with what the log makes of its payload. Clear columns name what the
    catalogue knows."""
    return Entry(
        made,
        made if place is None else place,
        place is not None,
        EntryKind.DECISION,
        now,
        now,
        client_id=client_id,
        purpose=_named_in(catalogue.purposes, check_.question.purpose),
        channel=verdict.channel,
        data_categories=tuple(c for c in verdict.data_categories if c in catalogue.data_categories),
        recipient=check_.question.recipient,
        touchpoint=_named_in(catalogue.touchpoints, check_.context.get("touchpoint")),
        outcome=verdict.outcome.value,
        reason=verdict.reason.value,
        catalogue_version=catalogue.version,
        batch_id=batch_id,
        **parts,
    )


def _named_in(known: Container[str], name: str | None) -> str | None:
    """The name, if the catalogue knows it: what a caller makes up may be personal, and clear
    columns hold nothing personal."""
    return name if name in known else None


def payload_of(check_: Check, verdict: Verdict) -> dict[str, Any]:
    """What of an answer is sealed: the context it was asked in, and what it rested on."""
    record = verdict.record
    return {
        "context": dict(check_.context),
        "asked_by": None if check_.identifier is None else check_.identifier.type.value,
        "record_revision": None if record is None else record.revision,
        "notice_version": None if record is None else record.notice_version,
        "valid_until": rfc3339(verdict.valid_until),
    }
