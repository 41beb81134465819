"""Confirming that a person is who they say: by the link they were sent, or otherwise."""

from datetime import datetime

from consent_service.accounts.model import digest
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.privacy_requests import link_store, store
from consent_service.privacy_requests.model import (
    IdentityProof,
    Request,
    RequestKind,
    RequestState,
)
from consent_service.privacy_requests.restriction import restrict
from consent_service.privacy_requests.steps import Case, go, open_case
from consent_service.storage.unit_of_work import reading, unit_of_work

_BY_LINK = Actor(ActorKind.CUSTOMER, "")


def confirm(case: Case, identity: IdentityProof, actor: Actor, now: datetime) -> Case:
    """Notes that the person is who they say; from an erasure on, processing is restricted.
    Raises: WrongState."""
    state, words = RequestState.CONFIRMED, identity.value
    case = go(case, state, actor, now, words=words, identity=identity)
    return restrict(case, now) if case.request.kind is RequestKind.ERASURE else case


def look_at_link(token: str, now: datetime) -> Request | None:
    """The request that using a link would confirm; None when it is no longer good. Changes
    nothing: programs that read mails open links too."""
    with reading() as tx:
        request_id = link_store.find_link(tx, digest(token), now)
        found = None if request_id is None else store.find_request(tx, request_id)
    return found if found is not None and found.state is RequestState.RECEIVED else None


def use_link(token: str, now: datetime, keys: Keyring) -> bool:
    """Uses a link up and confirms its request. False when it was used, is too old, or there is
    nothing to confirm any more."""
    with unit_of_work() as tx:
        request_id = link_store.find_link(tx, digest(token), now)
        if request_id is None:
            return False
        case = open_case(request_id, keys)  # first the customer's lock, as a merge does
        if not link_store.take_link(tx, digest(token), now):
            return False
        if case.request.state is not RequestState.RECEIVED:
            return False
        confirm(case, IdentityProof.LINK, _BY_LINK, now)
    return True


def delete_expired(now: datetime) -> int:
    """Removes links past their time; how many."""
    with unit_of_work() as tx:
        return link_store.delete_expired_links(tx, now)
