"""What this room holds about a customer."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent_service.consents import store
from consent_service.consents.model import Event, Record, State
from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.crypto.envelope import Field, seal, unseal
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId

TABLES = ("consent_events", "consent_records")


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Every event, with its evidence, and the records in force."""
    records = store.find_records(tx, [customer]).values()
    return {
        "consent_events": [
            {
                "event": event.kind.value,
                "purpose": event.purpose,
                "channel": event.channel,
                "happened_at": rfc3339(event.happened_at),
                "recorded_at": rfc3339(event.recorded_at),
                "notice_version": event.notice_version,
                "language": event.language,
                "touchpoint": event.touchpoint,
                "imported": event.imported,
                "proof": json.loads(_open_proof(event, keys) or b"{}"),
            }
            for event in store.list_events(tx, customer)
        ],
        "consent_records": [
            {
                "purpose": record.purpose,
                "channel": record.channel,
                "state": record.state.value,
                "since": rfc3339(record.happened_at),
            }
            for record in records
        ],
    }


def erase(tx: Connection, customer: CustomerId) -> None:
    """Removes events and records."""
    store.delete_customer(tx, customer)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves the events and lets a no on either side win, whatever the times: the person is
    asked again. Moved rows get revisions past those of both sides."""
    ours = store.find_records(tx, [kept.customer])
    theirs = store.find_records(tx, [absorbed.customer])
    moved = store.list_events(tx, absorbed.customer)
    store.delete_customer(tx, absorbed.customer)
    store.add_events(tx, [_moved(event, kept, absorbed) for event in moved])
    revision = 1 + max(
        [record.revision for record in ours.values()]
        + [event.revision for event in [*store.list_events(tx, kept.customer)]],
        default=0,
    )
    by_slot = {(purpose, channel): record for (_, purpose, channel), record in ours.items()}
    ended, made = [], []
    for (_, purpose, channel), record in theirs.items():
        mine = by_slot.get((purpose, channel))
        winner = record if mine is None else stricter(mine, record)
        if winner is not mine:
            if mine is not None:
                ended.append((kept.customer, mine, now))
            made.append(
                (kept.customer, replace(winner, revision=revision, recorded_from=now), None)
            )
    store.replace_records(tx, ended, made)


def stricter(mine: Record, theirs: Record) -> Record:
    """Of two records for one slot: a no before anything, `requested` before a yes, the later of
    two that say the same."""

    def rank(record: Record) -> tuple[int, datetime]:
        weight = {State.GIVEN: 0, State.REQUESTED: 1}.get(record.state, 2)
        return weight, record.happened_at

    return theirs if rank(theirs) > rank(mine) else mine


def _moved(event: Event, kept: Holder, absorbed: Holder) -> Event:
    proof = _open_proof(event, absorbed.keys)
    field = Field("consent_event.proof", kept.customer, event.id)
    return replace(
        event,
        customer_id=kept.customer,
        proof=None if proof is None else seal(kept.keys.proof, field, proof),
    )


def _open_proof(event: Event, keys: OpenKeys) -> bytes | None:
    if event.proof is None:
        return None
    field = Field("consent_event.proof", event.customer_id, event.id)
    return unseal(keys.proof, field, event.proof)
