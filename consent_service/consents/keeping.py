"""What proves the consents of somebody who is erased: kept for as long as the catalogue says,
apart, under a place that names nobody, sealed under their own proof key. It is opened for an
officer with a second approval (`proof_openings`), and for no decision. Source: DESIGN.md 5.3."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents import proof_store, store
from consent_service.consents.model import Event
from consent_service.consents.sealing import open_proof
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.envelope import Field, seal
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.storage.unit_of_work import unit_of_work

FIELD = "kept_proof"

_BATCH = 500


def keep_proofs(
    places: Mapping[CustomerId, UUID],
    opened: Mapping[CustomerId, OpenKeys],
    now: datetime,
    keys: Keyring,
    requests: Mapping[CustomerId, UUID] | None = None,
) -> dict[CustomerId, datetime]:
    """Keeps what proves customers' consents, each at their place, in the caller's unit of work,
    which erases them by `requests`; until when the last of each is kept, of those of whom anything
    is."""
    until: dict[CustomerId, datetime] = {}
    proofs = []
    with unit_of_work() as tx:
        events = store.list_events_of(tx, list(places))
        for (customer_id, days), said in _by_days(events, opened).items():
            proof_id, place = new_uuid(), places[customer_id]
            end = now + timedelta(days=days)
            until[customer_id] = max(end, until.get(customer_id, end))
            field = Field(FIELD, place, proof_id)
            sealed = seal(opened[customer_id].proof, field, msgspec.json.encode(said))
            proofs.append((place, proof_id, end, sealed, (requests or {}).get(customer_id)))
        if proofs:
            data_keys.keep_proof_keys({customer: places[customer] for customer in until}, keys)
            proof_store.add(tx, proofs)
    return until


def forget_proofs(now: datetime) -> int:
    """Destroys proofs whose time is over, and the keys of those who have none left; of how many
    people."""
    with unit_of_work() as tx:
        places = proof_store.delete_due(tx, now, _BATCH)
        if places:
            data_keys.destroy_proof_keys(places)
    return len(places)


def _by_days(
    events: Iterable[Event], opened: Mapping[CustomerId, OpenKeys]
) -> dict[tuple[CustomerId, int], list[dict[str, Any]]]:
    """What events say, by customer and for how many days it is kept; none for no day."""
    catalogue = catalogues.current()
    found: dict[tuple[CustomerId, int], list[dict[str, Any]]] = {}
    for event in events:
        days, customer = _days(event, catalogue), event.customer_id
        if days:
            said = _said(event, open_proof(event, opened[customer]))
            found.setdefault((customer, days), []).append(said)
    return found


def _days(event: Event, catalogue: Catalogue) -> int:
    """As the purpose says, or said when there still was one."""
    purpose = catalogue.purposes.get(event.purpose)
    if purpose is None:
        purpose = catalogues.at(event.recorded_at).purposes[event.purpose]
    return purpose.proof_retention_days


def _said(event: Event, proof: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event": event.kind.value,
        "purpose": event.purpose,
        "channel": event.channel,
        "happened_at": rfc3339(event.happened_at),
        "recorded_at": rfc3339(event.recorded_at),
        "notice_version": event.notice_version,
        "language": event.language,
        "touchpoint": event.touchpoint,
        "by_guardian": event.by_guardian,
        "imported": event.imported,
        "proof": dict(proof),
    }
