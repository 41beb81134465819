"""Carrying out what was approved: here what this room can do, by their carriers what others can."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import NotFound
from consent_service.privacy_requests import carriers, store
from consent_service.privacy_requests.carriers import Outcome
from consent_service.privacy_requests.model import (
    Request,
    RequestKind,
    RequestState,
    request_id_text,
)
from consent_service.privacy_requests.restriction import restrict
from consent_service.privacy_requests.steps import Case, go, go_all
from consent_service.storage.unit_of_work import reading

_BATCH = 100
_ROUND_S = 20.0  # less than a job's lease; the next round begins with the oldest again

_log = structlog.get_logger("consent.privacy_requests")


def start(case: Case, actor: Actor, now: datetime, keys: Keyring) -> Case:
    """Starts on an approved request, unless it is held; ends it where all is done here. Kinds
    that have a carrier, or none yet, stay approved: the worker takes them up."""
    kind = case.request.kind
    if case.request.held or kind not in carriers.OWN:
        return case
    case = go(case, RequestState.RUNNING, actor, now)
    if kind is RequestKind.RECTIFICATION:
        return case  # staff correct, and say so
    told = carriers.recipients().tell(case.request, now, keys)  # before what they go by changes
    if kind is RequestKind.RESTRICTION:
        case = restrict(case, now)
    else:
        _object(case, actor, now, keys)
    return case if told else go(case, RequestState.DONE, actor, now)


def carry_out(now: datetime, keys: Keyring) -> int:
    """Has carriers go on with what is approved or running; how many requests they were asked of.
    What fails in one is logged, and tried again: the others do not wait for it."""
    after, seen, started = None, 0, time.monotonic()
    while time.monotonic() - started < _ROUND_S:
        with reading() as tx:
            found = store.list_to_carry_out(tx, carriers.kinds(), after, _BATCH)
        waiting = [request for request in found if _may_start(request, now)]
        running = [request for request in found if request.state is RequestState.RUNNING]
        running += _go(waiting, {r.id: Outcome() for r in waiting}, _to_running, now, keys)
        running.sort(key=lambda request: request.kind)
        for _, some in groupby(running, key=lambda request: request.kind):
            _carry_on(list(some), now, keys)
        seen += len(found)
        if len(found) < _BATCH:
            break
        after = found[-1].id
    return seen


def _may_start(request: Request, now: datetime) -> bool:
    """Whether an approved request is to run now. What is done here was started on approval."""
    approved = request.state is RequestState.APPROVED and request.kind not in carriers.OWN
    return approved and is_over(request, now)


def is_over(request: Request, now: datetime) -> bool:
    """Whether the time is over in which an approved erasure can still be cancelled."""
    return request.kind is not RequestKind.ERASURE or grace_until(request) <= now


def grace_until(request: Request) -> datetime:
    """Until when an approved erasure waits, so that it can still be cancelled."""
    with reading() as tx:
        approved_at = store.find_approved_at(tx, request) or request.received_at
    return approved_at + timedelta(days=catalogues.current().erasure_grace_days)


def _carry_on(requests: Sequence[Request], now: datetime, keys: Keyring) -> None:
    """A carrier's fault is its own, and one request's not another's."""
    try:
        outcomes = carriers.find(requests[0].kind)(requests, now, keys)
    except Exception as error:
        if len(requests) == 1:
            _say_failed(requests[0], error)
            return
        for request in requests:
            _carry_on([request], now, keys)
        return
    ended = [request for request in requests if request.id in outcomes]
    _go(ended, outcomes, _to_end, now, keys)


def _go(
    requests: Sequence[Request],
    outcomes: Mapping[UUID, Outcome],
    to: Callable[[Outcome], RequestState],
    now: datetime,
    keys: Keyring,
) -> list[Request]:
    """Moves requests on together, and one by one where that fails."""
    words = {r.id: " ".join(outcomes[r.id].left) or None for r in requests}
    states = {r.id: to(outcomes[r.id]) for r in requests}
    try:
        return go_all(requests, words, states, now, keys) if requests else []
    except Exception as error:
        if len(requests) == 1:
            _say_failed(requests[0], error)
            return []
        return [one for r in requests for one in _go([r], outcomes, to, now, keys)]


def _to_running(_: Outcome) -> RequestState:
    return RequestState.RUNNING


def _to_end(outcome: Outcome) -> RequestState:
    return RequestState.FAILED if outcome.left else RequestState.DONE


def _say_failed(request: Request, error: Exception) -> None:
    _log.error(
        "privacy_requests:request:not_carried_out",
        request=request_id_text(request.id),
        kind=request.kind.value,
        error_kind=type(error).__name__,
    )


def _object(case: Case, actor: Actor, now: datetime, keys: Keyring) -> None:
    """Records that the person objected, when they said so, to every purpose of direct marketing.
    Source: GDPR art. 21(2), 21(3)."""
    catalogue, request = catalogues.current(), case.request
    touchpoint = request.touchpoint or usual_touchpoint(catalogue)
    events = [
        NewEvent(
            case.customer, purpose.key, EventKind.OBJECTED, None, None, None, touchpoint,
            request.received_at,
        )
        for purpose in catalogue.purposes.values()
        if purpose.direct_marketing
    ]  # fmt: skip
    if events:
        consents.record_consents(events, actor, now, keys)


def usual_touchpoint(catalogue: Catalogue) -> str:
    """Where nobody said where the person asked: the website, if there is one."""
    found = [t.key for t in catalogue.touchpoints.values() if t.kind == "web"]
    found += list(catalogue.touchpoints)
    if not found:
        raise NotFound()
    return found[0]
