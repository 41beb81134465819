"""What this room holds about a customer: what they asked for, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.customers import service as customers
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.privacy_requests import link_store, store
from consent_service.privacy_requests.model import (
    Request,
    Step,
    outlives,
    request_id_text,
)
from consent_service.privacy_requests.sealing import open_note, open_reason, seal_note, seal_reason

TABLES = ("privacy_requests", "privacy_request_steps", "privacy_request_links")


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """The requests with every step. Links are credentials, a day old at most."""
    return {
        "privacy_requests": [
            {
                "id": request_id_text(request.id),
                "kind": request.kind.value,
                "state": request.state.value,
                "received_at": rfc3339(request.received_at),
                "due_at": rfc3339(request.due_at),
                "touchpoint": request.touchpoint,
                "identity": None if request.identity is None else request.identity.value,
                "held": request.held,
                "restricts": request.restricts,
                "lift_at": None if request.lift_at is None else rfc3339(request.lift_at),
                "note": open_note(request, keys.life),
                "steps": [_exported(step, keys) for step in store.list_steps(tx, request)],
            }
            for request in store.list_of_customer(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes the requests. Of an erasure that was approved it stays that there is one, under its
    own id, with its kind, state and dates: it is still to be seen to its end."""
    link_store.delete_links(tx, customers)
    found = store.list_of_customers(tx, customers)
    store.delete_of_customers(tx, customers)
    store.add_requests(tx, [_of_nobody(request) for request in found if outlives(request)])


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves the requests, sealed anew, with what they hold and restrict. Links end: they went to
    an address of somebody else than the customer there is now."""
    link_store.delete_links(tx, [absorbed.customer])
    ours = store.list_of_customer(tx, kept.customer)
    theirs = store.list_of_customer(tx, absorbed.customer)
    found = _restricted_otherwise(kept, ours) or _restricted_otherwise(absorbed, theirs)
    for request in theirs:
        steps = store.list_steps(tx, request)
        store.delete_request(tx, request)
        store.add_request(tx, _moved(request, kept, absorbed))
        store.add_steps(tx, [_moved_step(step, kept, absorbed) for step in steps])
    for request in store.list_of_customer(tx, kept.customer):
        if found and request.restricts:
            store.set_restriction(tx, replace(request, found_restricted=True))


def _restricted_otherwise(side: Holder, requests: list[Request]) -> bool:
    """Whether a side is restricted for another reason than its requests."""
    holders = [request for request in requests if request.restricts]
    if holders:
        return any(request.found_restricted for request in holders)
    return customers.get_record(side.customer).facts.restricted


def _exported(step: Step, keys: OpenKeys) -> dict[str, Any]:
    return {
        "step": step.kind.value,
        "at": rfc3339(step.at),
        "actor": step.actor_kind.value,
        "words": step.words,
        "reason": open_reason(step, keys.life),
    }


def _of_nobody(request: Request) -> Request:
    return replace(
        request,
        place=request.id,
        known=False,
        touchpoint=None,
        identity=None,
        restricts=False,
        found_restricted=False,
        note=None,
        lift_at=None,
        lift_letter=None,
        untold_since=None,
    )


def _moved(request: Request, kept: Holder, absorbed: Holder) -> Request:
    note = seal_note(
        open_note(request, absorbed.keys.life), kept.customer, request.id, kept.keys.life
    )
    return replace(request, place=kept.customer, note=note)


def _moved_step(step: Step, kept: Holder, absorbed: Holder) -> Step:
    reason = seal_reason(
        open_reason(step, absorbed.keys.life), kept.customer, step.id, kept.keys.life
    )
    return replace(step, place=kept.customer, reason=reason)
