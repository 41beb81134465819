"""What staff do with a request: decide, extend, hold, cancel, and say that it is done."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.deadlines import extended_due_at
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Invalid
from consent_service.privacy_requests import carriers, store
from consent_service.privacy_requests.carrying_out import start
from consent_service.privacy_requests.confirming import confirm
from consent_service.privacy_requests.model import (
    IdentityProof,
    NotExtendable,
    Request,
    RequestKind,
    RequestState,
    StepKind,
    WrongState,
    hold,
    move,
    release,
)
from consent_service.privacy_requests.restriction import lift
from consent_service.privacy_requests.steps import Case, go, open_case, put
from consent_service.storage.unit_of_work import unit_of_work

_Act = Callable[[Case], Case]


def confirm_request(
    request_id: UUID, identity: IdentityProof, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Notes how it was made sure who asks. Raises: NotFound, NotLookedUp, WrongState."""
    return _with(request_id, keys, lambda case: confirm(case, identity, actor, now))


def approve_request(
    request_id: UUID, identity: IdentityProof | None, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Approves a request, and starts on it where that can be done here. One that the person has
    not confirmed needs `identity`: how it was made sure who asks.

    Raises: NotFound, NotLookedUp, WrongState, Invalid.
    """

    def act(case: Case) -> Case:
        if case.request.state is RequestState.RECEIVED:
            if identity is None:
                raise Invalid.at("/identity", "required", "Say how it was made sure who asks.")
            case = confirm(case, identity, actor, now)
        how = identity or case.request.identity
        words = None if how is None else how.value
        case = go(case, RequestState.APPROVED, actor, now, words=words)
        return start(case, actor, now, keys)

    return _with(request_id, keys, act)


def reject_request(
    request_id: UUID, reason: str, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Rejects a request, and lifts what was restricted because of it. Raises: NotFound,
    NotLookedUp, WrongState."""
    return _end(request_id, RequestState.REJECTED, reason, actor, now, keys)


def cancel_request(
    request_id: UUID, reason: str | None, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Ends a request that is no longer wanted, and lifts what was restricted because of it.
    Raises: NotFound, NotLookedUp, WrongState."""
    return _end(request_id, RequestState.CANCELLED, reason, actor, now, keys)


def extend_request(
    request_id: UUID, reason: str, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Puts the date off, once, by what the person's jurisdiction gives. Raises: NotFound,
    NotLookedUp, WrongState, NotExtendable."""

    def act(case: Case) -> Case:
        request = case.request
        move(request, RequestState.EXTENDED)
        code = customers.get_record(case.customer).facts.jurisdiction
        later = extended_due_at(
            catalogues.current(), code, request.kind, request.received_at, request.due_at
        )
        if later == request.due_at:
            raise NotExtendable()
        with unit_of_work() as tx:
            store.set_reminded(tx, request, 0)
        return go(case, RequestState.EXTENDED, actor, now, reason=reason, due_at=later)

    return _with(request_id, keys, act)


def hold_request(
    request_id: UUID, reason: str, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Keeps a request from being carried out until it is released: a legal hold. Raises:
    NotFound, NotLookedUp, WrongState."""

    def act(case: Case) -> Case:
        held = hold(case.request)
        return put(case, held, StepKind.HELD, actor, now, reason=reason)

    return _with(request_id, keys, act)


def release_request(
    request_id: UUID, reason: str | None, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Lets a held request go on. Raises: NotFound, NotLookedUp, WrongState."""

    def act(case: Case) -> Case:
        freed = release(case.request)
        case = put(case, freed, StepKind.RELEASED, actor, now, reason=reason)
        if case.request.state is RequestState.APPROVED:
            return start(case, actor, now, keys)
        return case

    return _with(request_id, keys, act)


def finish_request(
    request_id: UUID, left: str | None, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Says that staff have corrected what a rectification asks for, or, with `left`, what of it
    could not be; recipients are told, and
    it is done when they have confirmed. Of other kinds nobody says so: it is so. Raises: NotFound,
    NotLookedUp, WrongState."""

    def act(case: Case) -> Case:
        if case.request.kind is not RequestKind.RECTIFICATION:
            raise WrongState()
        if case.request.state is not RequestState.RUNNING:
            raise WrongState()
        told = carriers.recipients().tell(case.request, now, keys)
        if left is not None:
            return go(case, RequestState.FAILED, actor, now, reason=left)
        return case if told else go(case, RequestState.DONE, actor, now)

    return _with(request_id, keys, act)


def _end(
    request_id: UUID,
    to: RequestState,
    reason: str | None,
    actor: Actor,
    now: datetime,
    keys: Keyring,
) -> Request:
    def act(case: Case) -> Case:
        return lift(go(case, to, actor, now, reason=reason), now)

    return _with(request_id, keys, act)


def _with(request_id: UUID, keys: Keyring, act: _Act) -> Request:
    with unit_of_work():
        return act(open_case(request_id, keys)).request
