"""What is kept of consents of people who were erased, found and opened for `proof_openings`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from consent_service.catalogue import service as catalogues
from consent_service.consents import proof_store
from consent_service.consents.keeping import FIELD
from consent_service.crypto.envelope import Field, SealingKey, unseal
from consent_service.kernel.clock import parse_rfc3339
from consent_service.storage.unit_of_work import reading


def find_place(request_id: UUID) -> UUID | None:
    """Where what was kept by a request for erasure is."""
    with reading() as tx:
        return proof_store.find_place(tx, request_id)


def list_places(places: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of these places where anything is kept."""
    with reading() as tx:
        return proof_store.list_places(tx, places, now)


def open_kept(
    place: UUID, proof: SealingKey, now: datetime
) -> tuple[datetime | None, list[dict[str, Any]]]:
    """What is kept at a place, in the order in which it was recorded, with the words that were
    shown; until when the last of it is kept, None where nothing is. Raises: SealBroken."""
    with reading() as tx:
        kept = proof_store.list_kept(tx, place, now)
    events: list[dict[str, Any]] = []
    for proof_id, _, sealed in kept:
        events += msgspec.json.decode(unseal(proof, Field(FIELD, place, proof_id), sealed))
    events.sort(key=lambda event: str(event["recorded_at"]))
    until = max((end for _, end, _ in kept), default=None)
    return until, [{**event, "notice": _notice(event)} for event in events]


def _notice(event: dict[str, Any]) -> dict[str, Any] | None:
    """The words that were shown, as the catalogue of that time has them."""
    catalogue = catalogues.at(parse_rfc3339(event["recorded_at"]))
    purpose = catalogue.purposes.get(event["purpose"])
    if purpose is None or event["notice_version"] is None:
        return None
    notice = catalogue.find_notice(purpose.notice, event["notice_version"])
    language = event["language"] or ""
    if notice is None or language not in notice.text:
        return None
    return {
        "key": notice.key,
        "version": notice.version,
        "text": notice.text[language],
        "sha256": notice.sha256(language),
    }
