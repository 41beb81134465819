"""An event as it is kept: what proves it is sealed under the proof key, and the log's entry of it
under the life key."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from consent_service.catalogue.model import Catalogue, Purpose
from consent_service.consents.model import Event, NewEvent, State, channel_of, recorded_kind
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.envelope import Field, Sealed, SealingKey, seal, unseal
from consent_service.kernel.actors import Actor
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind

_encode = msgspec.json.encode


def make_event(
    event_id: UUID,
    new: NewEvent,
    purpose: Purpose,
    customer_id: CustomerId,
    revision: int,
    actor: Actor,
    now: datetime,
    proof: SealingKey | None,
) -> Event:
    """The event to record. `proof` is needed for one that `proves` something."""
    return Event(
        event_id,
        customer_id,
        revision,
        new.purpose,
        channel_of(new, purpose),
        recorded_kind(new, purpose),
        min(new.captured_at, now),
        new.captured_at,
        now,
        new.notice_version,
        new.language,
        new.touchpoint,
        new.lifecycle_stage,
        actor,
        new.guardian is not None,
        new.imported,
        _seal_proof(new, customer_id, event_id, proof),
    )


def proves(new: NewEvent) -> bool:
    """Whether there is anything to seal beside an event."""
    return bool(_proof_of(new))


def open_proof(event: Event, keys: OpenKeys) -> dict[str, Any]:
    """Evidence, guardian and agent in the clear, as far as there are any. Raises: SealBroken."""
    if event.proof is None:
        return {}
    opened: dict[str, Any] = json.loads(unseal(keys.proof, _field(event), event.proof))
    return opened


def reseal_proof(event: Event, old: OpenKeys, moved: Event, new: OpenKeys) -> Sealed | None:
    """The proof of an event as it is kept for another customer. Raises: SealBroken."""
    if event.proof is None:
        return None
    return seal(new.proof, _field(moved), unseal(old.proof, _field(event), event.proof))


def make_entry(
    entry_id: UUID,
    event: Event,
    state: State,
    catalogue: Catalogue,
    life: SealingKey,
    chance: bytes,
) -> Entry:
    """The log's entry of an event; `chance` is one of `ledger.chances`."""
    payload = {
        "event_id": event.id,
        "state": state,
        "notice_version": event.notice_version,
        "language": event.language,
        "captured_at": rfc3339(event.captured_at),
        "revision": event.revision,
    }
    return Entry(
        entry_id,
        event.customer_id,
        True,
        EntryKind.CONSENT,
        event.happened_at,
        event.recorded_at,
        client_id=event.actor.in_log,
        purpose=event.purpose,
        channel=event.channel,
        touchpoint=event.touchpoint,
        reason=str(event.kind),
        catalogue_version=catalogue.version,
        revision=event.revision,
        **ledger.sealed_parts(event.customer_id, entry_id, payload, life, chance),
    )


def _seal_proof(
    new: NewEvent, customer_id: CustomerId, event_id: UUID, proof: SealingKey | None
) -> Sealed | None:
    known = _proof_of(new)
    if not known:
        return None
    assert proof is not None  # whoever opened keys asked `proves`
    field = Field("consent_event.proof", customer_id, event_id)
    return seal(proof, field, _encode(known))


def _proof_of(new: NewEvent) -> dict[str, Any]:
    parts = {"evidence": new.evidence, "guardian": new.guardian, "agent": new.agent}
    return {name: value for name, value in parts.items() if value is not None}


def _field(event: Event) -> Field:
    return Field("consent_event.proof", event.customer_id, event.id)
