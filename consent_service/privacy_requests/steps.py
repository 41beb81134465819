"""One step of a request: under its customer's lock, recorded and logged, in the caller's unit of
work."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace

from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.envelope import SealingKey
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel.actors import SYSTEM, Actor, ActorKind
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.privacy_requests import store
from consent_service.privacy_requests.model import (
    NotLookedUp,
    Request,
    RequestState,
    Step,
    StepKind,
    WrongState,
    can_move,
    is_told,
    move,
    request_id_text,
)
from consent_service.privacy_requests.sealing import seal_reason
from consent_service.storage.unit_of_work import reading, unit_of_work

_BATCH = 100

_log = structlog.get_logger("consent.privacy_requests")


class Case(Struct, frozen=True):
    """A request under work: its customer is locked. `life` is None when there is none."""

    request: Request
    life: SealingKey | None

    @property
    def customer(self) -> CustomerId:
        """Whom it is about."""
        assert self.request.known
        return CustomerId(self.request.place)


def open_case(request_id: UUID, keys: Keyring) -> Case:
    """A request, whose customer nobody else changes until the unit of work ends. Whoever was
    merged meanwhile is found where the request has gone. Raises: NotFound, NotLookedUp."""
    request = get_request(request_id)
    if request.known:
        _lock(request.place)
        request = get_request(request_id)
    if not request.looked_up:
        raise NotLookedUp()
    if not request.known:
        return Case(request, None)
    return Case(request, data_keys.open_keys(CustomerId(request.place), keys).life)


def _lock(place: UUID) -> None:
    """Whoever was erased meanwhile needs no lock: what is left of the request names nobody."""
    with suppress(NotFound):
        customers.lock_resolved([CustomerId(place)])


def get_request(request_id: UUID) -> Request:
    """A request. Raises: NotFound."""
    with reading() as tx:
        request = store.find_request(tx, request_id)
    if request is None:
        raise NotFound()
    return request


def for_each(
    find: Callable[[UUID | None, int], Sequence[Request]],
    act: Callable[[UUID], bool],
    failed: str,
) -> int:
    """Does something with each request that `find` finds, by their ids, from after one on; with how
    many it did. One that fails is logged as `failed`, and does not keep the others."""
    after, done = None, 0
    while found := find(after, _BATCH):
        for request in found:
            after = request.id
            try:
                done += act(request.id)
            except Exception as error:
                kind = type(error).__name__
                _log.error(failed, request=request_id_text(request.id), error_kind=kind)
    return done


def go(
    case: Case,
    to: RequestState,
    actor: Actor,
    now: datetime,
    *,
    words: str | None = None,
    reason: str | None = None,
    **changes: Any,
) -> Case:
    """Moves a request on. Raises: WrongState."""
    moved = replace(move(case.request, to), **changes)
    return put(case, moved, StepKind(to.value), actor, now, words=words, reason=reason)


def put(
    case: Case,
    after: Request,
    kind: StepKind,
    actor: Actor,
    now: datetime,
    *,
    words: str | None = None,
    reason: str | None = None,
) -> Case:
    """Keeps what a step made of a request, and the step. Raises: WrongState when another was
    faster."""
    after = _untold(replace(after, steps=case.request.steps + 1), kind, actor, now)
    done = Case(after, case.life)
    with unit_of_work() as tx:
        if not store.set_request(tx, case.request, after):
            raise WrongState()
    record(done, kind, actor, now, now, words=words, reason=reason)
    return done


def record(
    case: Case,
    kind: StepKind,
    actor: Actor,
    at: datetime,
    now: datetime,
    *,
    words: str | None = None,
    reason: str | None = None,
) -> None:
    """Adds the last step of a request, taken `at`, to its history and to the log."""
    _add([_made(case, kind, actor, at, now, words, reason)])


def go_all(
    requests: Sequence[Request],
    words: Mapping[UUID, str | None],
    to: Mapping[UUID, RequestState],
    now: datetime,
    keys: Keyring,
) -> list[Request]:
    """Moves many requests on, as the service itself does, by their ids; those that may not go
    there any more, or are held, stay. Raises: NotFound when a customer is merged or erased just
    now, WrongState when another was faster with one about nobody."""
    with unit_of_work() as tx:
        customers.lock_customers([CustomerId(r.place) for r in requests if r.known])
        before = store.list_by_ids(tx, [request.id for request in requests])
        opened = data_keys.open_many([CustomerId(r.place) for r in before if r.known], keys)
        cases = [
            Case(_stepped(each, to[each.id], now), _life(each, opened))
            for each in before
            if can_move(each, to[each.id])
        ]
        if store.set_states(tx, [case.request for case in cases]) != len(cases):
            raise WrongState()
        _add([_moved_on(case, words[case.request.id], now) for case in cases])
    return [case.request for case in cases]


def _stepped(request: Request, to: RequestState, now: datetime) -> Request:
    after = replace(request, state=to, steps=request.steps + 1)
    return _untold(after, StepKind(to.value), SYSTEM, now)


def _untold(request: Request, kind: StepKind, actor: Actor, now: datetime) -> Request:
    """The request, of which the person is to be told, if they are."""
    return replace(request, untold_since=now) if is_told(request, kind, actor.kind) else request


def _life(request: Request, opened: Mapping[CustomerId, OpenKeys]) -> SealingKey | None:
    return opened[CustomerId(request.place)].life if request.known else None


def _moved_on(case: Case, words: str | None, now: datetime) -> tuple[Step, Entry]:
    kind = StepKind(case.request.state.value)
    return _made(case, kind, SYSTEM, now, now, words, None)


def _made(
    case: Case,
    kind: StepKind,
    actor: Actor,
    at: datetime,
    now: datetime,
    words: str | None,
    reason: str | None,
) -> tuple[Step, Entry]:
    """The last step of a request, and what the log says of it."""
    request, step_id = case.request, new_uuid()
    named = "" if actor.kind is ActorKind.CUSTOMER else actor.id
    step = Step(
        step_id,
        request.place,
        request.id,
        request.steps,
        kind,
        at,
        actor.kind,
        named,
        words,
        seal_reason(reason, request.place, step_id, case.life),
    )
    payload = {
        "request": request_id_text(request.id),
        "actor": f"{actor.kind}:{named}",
        "due_at": rfc3339(request.due_at),
        "words": words,
        "reason": reason,
    }
    return step, _entry(case, step, payload, now)


def _add(made: Sequence[tuple[Step, Entry]]) -> None:
    with unit_of_work() as tx:
        store.add_steps(tx, [step for step, _ in made])
        ledger.append([entry for _, entry in made])


def _entry(case: Case, step: Step, payload: Mapping[str, Any], now: datetime) -> Entry:
    entry_id, request = new_uuid(), case.request
    entry = Entry(
        entry_id,
        request.place if request.known else entry_id,
        request.known,
        EntryKind.PRIVACY_REQUEST,
        step.at,
        now,
        client_id=step.actor_id or None,
        touchpoint=request.touchpoint,
        outcome=step.kind.value,
        reason=request.kind.value,
    )
    if case.life is None:
        return ledger.bare_entry(entry)
    revision = customers.get_record(case.customer).revision
    return ledger.sealed_entry(
        replace(entry, cites=request.id, revision=revision), payload, case.life
    )
