"""How requests are shown, by the API and by the command."""

from datetime import datetime
from typing import Any

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, customer_id_text
from consent_service.privacy_requests import carriers
from consent_service.privacy_requests.carrying_out import is_over
from consent_service.privacy_requests.model import (
    Request,
    RequestState,
    Step,
    is_overdue,
    request_id_text,
    waits_for,
)
from consent_service.privacy_requests.service import Opened


def receipt_json(request: Request) -> dict[str, Any]:
    """That it came in."""
    return {
        "id": request_id_text(request.id),
        "state": request.state.value,
        "due_at": rfc3339(request.due_at),
    }


def summary_json(request: Request, now: datetime) -> dict[str, Any]:
    """A request in a list."""
    carried = carriers.is_carried(request.kind)
    approved, running = (request.state is s for s in (RequestState.APPROVED, RequestState.RUNNING))
    in_grace = approved and not is_over(request, now)
    others = running and carriers.recipients().are_waited_for(request.id)
    wait = waits_for(request, has_carrier=carried, in_grace=in_grace, others=others)
    if running and wait is None:
        wait = carriers.find_wait(request)
    return {
        "id": request_id_text(request.id),
        "customer_id": customer_id_text(CustomerId(request.place)) if request.known else None,
        "kind": request.kind.value,
        "state": request.state.value,
        "received_at": rfc3339(request.received_at),
        "due_at": rfc3339(request.due_at),
        "overdue": is_overdue(request, now),
        "held": request.held,
        "restricts": request.restricts,
        "lift_at": None if request.lift_at is None else rfc3339(request.lift_at),
        "identity": None if request.identity is None else request.identity.value,
        "waits_for": wait,
    }


def opened_json(opened: Opened, now: datetime, *, names: bool) -> dict[str, Any]:
    """A request with all that happened. Without `names`, of actors it says the kind alone."""
    return {
        **summary_json(opened.request, now),
        "note": opened.note,
        "recipients": carriers.recipients().list_progress(opened.request.id, now),
        "steps": [_step_json(step, reason, names=names) for step, reason in opened.steps],
    }


def _step_json(step: Step, reason: str | None, *, names: bool) -> dict[str, Any]:
    named = names and step.actor_id
    return {
        "step": step.kind.value,
        "at": rfc3339(step.at),
        "actor": f"{step.actor_kind}:{step.actor_id}" if named else step.actor_kind.value,
        "words": step.words,
        "reason": reason,
    }
