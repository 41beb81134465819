"""Restricting processing because of a request, and lifting that when nothing else holds it.

Of each request it is kept whether processing is restricted because of it, and whether it was so
already, for another reason than a request: the last request to let go then leaves it.
Source: GDPR art. 18; DESIGN.md section 3, rule 6.
"""

from datetime import datetime

from msgspec.structs import replace

from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.privacy_requests import store
from consent_service.privacy_requests.model import (
    REPLAYED,
    Request,
    RequestKind,
    RequestState,
    StepKind,
)
from consent_service.privacy_requests.steps import Case, go, record
from consent_service.storage.unit_of_work import unit_of_work


def restrict(case: Case, now: datetime) -> Case:
    """Restricts processing from now on. Once is enough."""
    if case.request.restricts:
        return case
    holders = _holders(case)
    restricted = customers.get_record(case.customer).facts.restricted
    found = restricted and (not holders or any(each.found_restricted for each in holders))
    if not restricted:
        _set(case.customer, True, now)
    return _put(case, replace(case.request, restricts=True, found_restricted=found))


def lift(case: Case, now: datetime) -> Case:
    """Lifts what `restrict` did, unless another request or an earlier restriction holds it."""
    if not case.request.restricts:
        return case
    if not _holders(case) and not case.request.found_restricted:
        _set(case.customer, False, now)
    return _put(case, replace(case.request, restricts=False))


def end(case: Case, now: datetime) -> bool:
    """Ends a restriction, whatever it was before this request, unless another request holds it;
    whether it has ended. Once it is kept that this one holds it no more, the last to go ends it."""
    if _holders(case):
        return False
    _set(case.customer, False, now)
    return True


def restrict_again(customer: CustomerId, now: datetime, keys: Keyring) -> bool:
    """Restricts processing of a customer for a request that a backup does not know, by one in its
    place, so that it can be lifted as others; whether it was not restricted yet."""
    with unit_of_work() as tx:
        customer = customers.lock_resolved([customer])[0][customer]
        if customers.get_record(customer).facts.restricted:
            return False
        kind, state = RequestKind.RESTRICTION, RequestState.RUNNING
        request = Request(new_uuid(), customer, True, kind, state, now, now, steps=1)
        store.add_request(tx, request)
        case = Case(request, data_keys.open_keys(customer, keys).life)
        record(case, StepKind.RECEIVED, SYSTEM, now, now, words=REPLAYED)
        case = go(restrict(case, now), RequestState.DONE, SYSTEM, now)
        store.set_told(tx, case.request)  # they were, when it was so the first time
    return True


def _holders(case: Case) -> list[Request]:
    with unit_of_work() as tx:
        others = store.list_of_customer(tx, case.customer)
    return [each for each in others if each.restricts and each.id != case.request.id]


def _set(customer: CustomerId, restricted: bool, now: datetime) -> None:
    revision = customers.raise_revision(customer)
    customers.change_facts(
        customer, revision, lambda facts: replace(facts, restricted=restricted), now
    )


def _put(case: Case, request: Request) -> Case:
    with unit_of_work() as tx:
        store.set_restriction(tx, request)
    return Case(request, case.life)
