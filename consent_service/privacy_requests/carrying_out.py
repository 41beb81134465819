"""Carrying out what was approved: here what this room can do, by their carriers what others can."""

from datetime import datetime

import structlog

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import SYSTEM, Actor
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
from consent_service.privacy_requests.steps import Case, go, open_case
from consent_service.storage.unit_of_work import reading, unit_of_work

_BATCH = 100

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
    if kind is RequestKind.RESTRICTION:
        case = restrict(case, now)
    else:
        _object(case, actor, now, keys)
    return go(case, RequestState.DONE, actor, now)


def carry_out(now: datetime, keys: Keyring) -> int:
    """Has carriers go on with what is approved or running; how many requests they were asked of.
    What fails in one is logged, and tried again: the others do not wait for it."""
    after, seen = None, 0
    while carriers.kinds():
        with reading() as tx:
            found = store.list_to_carry_out(tx, carriers.kinds(), after, _BATCH)
        for request in found:
            _try(request, now, keys)
        seen += len(found)
        if len(found) < _BATCH:
            break
        after = found[-1].id
    return seen


def _try(request: Request, now: datetime, keys: Keyring) -> None:
    about = {"request": request_id_text(request.id), "kind": request.kind.value}
    try:
        _carry_on(request, now, keys)
    except Exception as error:  # a carrier's fault is its own
        _log.error(
            "privacy_requests:request:not_carried_out", **about, error_kind=type(error).__name__
        )


def _carry_on(request: Request, now: datetime, keys: Keyring) -> None:
    with unit_of_work():
        case = open_case(request.id, keys)
        if case.request.state is RequestState.APPROVED and not case.request.held:
            case = go(case, RequestState.RUNNING, SYSTEM, now)
    carrier = carriers.find(request.kind)
    if case.request.state is not RequestState.RUNNING or carrier is None:
        return
    outcome = carrier(case.request, now, keys)
    if outcome is not None:
        _finish(case.request, outcome, now, keys)


def _finish(request: Request, outcome: Outcome, now: datetime, keys: Keyring) -> None:
    to = RequestState.FAILED if outcome.left else RequestState.DONE
    with unit_of_work():
        case = open_case(request.id, keys)
        go(case, to, SYSTEM, now, words=" ".join(outcome.left) or None)


def _object(case: Case, actor: Actor, now: datetime, keys: Keyring) -> None:
    """Records that the person objected, when they said so, to every purpose of direct marketing.
    Source: GDPR art. 21(2), 21(3)."""
    catalogue, request = catalogues.current(), case.request
    touchpoint = request.touchpoint or _usual_touchpoint(catalogue)
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


def _usual_touchpoint(catalogue: Catalogue) -> str:
    """Where nobody said where the person asked: the website, if there is one."""
    found = [t.key for t in catalogue.touchpoints.values() if t.kind == "web"]
    found += list(catalogue.touchpoints)
    if not found:
        raise NotFound()
    return found[0]
