"""What this room holds about a customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from consent_service.catalogue.model import Channel
from consent_service.consents import confirming_store, slots_store, store
from consent_service.consents.model import Event, Record, State, record_for
from consent_service.consents.projection import latest_no
from consent_service.consents.sealing import open_proof, reseal_proof
from consent_service.consents.slots import Slots
from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, encode, new_uuid

TABLES = (
    "consent_events",
    "consent_records",
    "consent_confirmations",
    "consent_confirmation_links",
)

_Place = tuple[str, Channel | None]


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Every event, with its evidence, and the records in force. Who recorded an event, the agent
    and the guardian are other people: of them it says that there was one. Links are
    credentials."""
    records = slots_store.find_records(tx, [customer]).values()
    return {
        "consent_events": [_exported(event, keys) for event in store.list_events(tx, customer)],
        "consent_records": [
            {
                "purpose": record.purpose,
                "channel": record.channel,
                "state": record.state.value,
                "since": rfc3339(record.happened_at),
                "notice_version": record.notice_version,
            }
            for record in records
        ],
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes events and records, and ends links."""
    confirming_store.delete_customers(tx, customers)
    store.delete_customer(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves the events. Where one side says no and the other yes, the no is said anew, now: it
    wins whatever the times, and the person is asked again. Links end: they went to an address of
    somebody else than the customer there is now. Source: ADR 0006."""
    confirming_store.delete_customers(tx, [absorbed.customer])
    ours, theirs = _side(tx, kept.customer), _side(tx, absorbed.customer)
    moved = store.list_events(tx, absorbed.customer)
    store.delete_customer(tx, [absorbed.customer])
    store.add_events(tx, [_moved(event, kept, absorbed) for event in moved])
    revision = 1 + max(ours.revision, theirs.revision)
    places = sorted({*ours.records, *theirs.records}, key=str)
    again = [no for place in places for no in (_overruled(place, ours, theirs),) if no is not None]
    store.add_events(
        tx, [_said_again(no, place[1], kept.customer, revision, now) for no, place in again]
    )
    in_force = {(kept.customer, *place): record for place, record in ours.records.items()}
    slots = Slots(in_force, slots_store.list_latest_events(tx, [kept.customer]))
    for place in places:
        slots.reproject((kept.customer, *place), revision, now)
    store.replace_records(tx, slots.ended(), slots.made())


def _exported(event: Event, keys: OpenKeys) -> dict[str, Any]:
    proof = open_proof(event, keys)
    return {
        "id": encode("evt", event.customer_id, event.id),
        "event": event.kind.value,
        "purpose": event.purpose,
        "channel": event.channel,
        "happened_at": rfc3339(event.happened_at),
        "captured_at": rfc3339(event.captured_at),
        "recorded_at": rfc3339(event.recorded_at),
        "notice_version": event.notice_version,
        "language": event.language,
        "touchpoint": event.touchpoint,
        "lifecycle_stage": event.lifecycle_stage,
        "recorded_by": event.actor.kind.value,
        "by_agent": "agent" in proof,
        "by_guardian": event.by_guardian,
        "imported": event.imported,
        "evidence": proof.get("evidence"),
    }


@dataclass(frozen=True, slots=True)
class _Side:
    """What one side of a merge says, by purpose and channel."""

    records: dict[_Place, Record]
    events: dict[str, list[Event]]
    revision: int


def _side(tx: Connection, customer: CustomerId) -> _Side:
    records = slots_store.find_records(tx, [customer])
    events = slots_store.list_latest_events(tx, [customer])
    revisions = [record.revision for record in records.values()]
    revisions += [event.revision for found in events.values() for event in found]
    return _Side(
        {(purpose, channel): record for (_, purpose, channel), record in records.items()},
        {purpose: found for (_, purpose), found in events.items()},
        max(revisions, default=0),
    )


def _overruled(place: _Place, ours: _Side, theirs: _Side) -> tuple[Event, _Place] | None:
    """The no of one side that the yes of the other must not outlive."""
    for one, other in ((ours, theirs), (theirs, ours)):
        mine, yours = record_for(one.records, *place), record_for(other.records, *place)
        if mine is None or yours is None or mine.no is None or yours.state is not State.GIVEN:
            continue
        no = latest_no(one.events[place[0]], place[1])
        assert no is not None  # the record rests on it
        return no, place
    return None


def _said_again(
    no: Event, channel: Channel | None, customer: CustomerId, revision: int, now: datetime
) -> Event:
    return replace(
        no,
        id=new_uuid(),
        customer_id=customer,
        revision=revision,
        channel=channel,
        happened_at=now,
        recorded_at=now,
        actor=SYSTEM,
        imported=False,
        proof=None,
    )


def _moved(event: Event, kept: Holder, absorbed: Holder) -> Event:
    placed = replace(event, customer_id=kept.customer)
    return replace(placed, proof=reseal_proof(event, absorbed.keys, placed, kept.keys))
