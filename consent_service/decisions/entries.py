"""What the log keeps of an answer. No I/O."""

from collections.abc import Container
from datetime import datetime
from typing import Any
from uuid import UUID

from consent_service.catalogue.model import Catalogue
from consent_service.decisions.model import Check, Verdict
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.ledger.model import Entry, EntryKind


class Sayings:
    """What the entries of answers say in the clear, put together once for all that say the same."""

    def __init__(
        self, catalogue: Catalogue, client_id: str, now: datetime, batch_id: UUID | None
    ) -> None:
        self._catalogue, self._client_id = catalogue, client_id
        self._now, self._batch_id = now, batch_id
        self._said: dict[tuple[Any, ...], Entry] = {}

    def said_by(
        self, made: UUID, check_: Check, place: CustomerId | None, verdict: Verdict
    ) -> Entry:
        """The entry of an answer, or of an earlier one that says the same; without a payload."""
        touchpoint = check_.context.get("touchpoint")
        read = (check_.question, touchpoint, verdict.reason, place is None)
        said = self._said.get(read)
        if said is None:
            said = self._said[read] = self._entry_of(made, check_, place, verdict, touchpoint)
        return said

    def _entry_of(
        self,
        made: UUID,
        check_: Check,
        place: CustomerId | None,
        verdict: Verdict,
        touchpoint: str | None,
    ) -> Entry:
        """Clear columns name what the catalogue knows."""
        known = self._catalogue
        return Entry(
            made,
            made if place is None else place,
            place is not None,
            EntryKind.DECISION,
            self._now,
            self._now,
            client_id=self._client_id,
            purpose=_named_in(known.purposes, check_.question.purpose),
            channel=verdict.channel,
            data_categories=tuple(c for c in verdict.data_categories if c in known.data_categories),
            recipient=check_.question.recipient,
            touchpoint=_named_in(known.touchpoints, touchpoint),
            outcome=str(verdict.outcome),
            reason=str(verdict.reason),
            catalogue_version=known.version,
            batch_id=self._batch_id,
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
