"""Handing in privacy requests for whoever is signed in, and finding theirs."""

from uuid import UUID

from consent_service.accounts import signed_in
from consent_service.accounts.model import is_fresh
from consent_service.catalogue import service as catalogues
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import customer_id_text
from consent_service.kernel.paging import MAX_PAGE
from consent_service.privacy_requests import deciding, intake, jobs, service
from consent_service.privacy_requests.carrying_out import usual_touchpoint
from consent_service.privacy_requests.model import (
    OPEN,
    Request,
    RequestFilter,
    RequestKind,
    parse_request_id,
)
from consent_service.privacy_requests.sealing import Asked
from consent_service.privacy_requests.service import Opened
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys, now


def is_signed_in_afresh() -> bool:
    """Whether the sign-in is of the past few minutes."""
    found = signed_in.session()
    return found is not None and is_fresh(found, now())


def ask(kind: RequestKind, note: str | None = None) -> Request:
    """Hands in a request. One of a kind that is open already, and says no more, is the same."""
    with unit_of_work():
        resolved, _ = customers.lock_resolved([signed_in.get_customer()])
        same = list_open(kind)
        if same and note is None:
            return same[0]
        return intake.submit_own(
            Asked(resolved[signed_in.get_customer()], actor(), note),
            kind,
            usual_touchpoint(catalogues.current()),
            fresh=is_signed_in_afresh(),
            site=jobs.site(),
            now=now(),
            keys=keys(),
        )


def list_own() -> list[Request]:
    """The customer's requests, the newest first."""
    wanted = RequestFilter(place=signed_in.get_customer())
    return list(reversed(service.list_requests(wanted, None, MAX_PAGE).items))


def list_open(*kinds: RequestKind) -> list[Request]:
    """The customer's requests of some kinds that are not at their end."""
    return [each for each in list_own() if each.kind in kinds and each.state in OPEN]


def get_own(text: str) -> Opened:
    """A request of the customer, by its public id. Raises: NotFound."""
    request_id = parse_request_id(text)
    _check_own(request_id)
    return service.get_opened(request_id, keys())


def cancel(text: str) -> None:
    """Ends a request that is no longer wanted. Raises: NotFound, WrongState."""
    request_id = parse_request_id(text)
    with unit_of_work():
        _check_own(request_id)
        deciding.cancel_request(request_id, None, actor(), now(), keys())


def actor() -> Actor:
    """The customer."""
    return Actor(ActorKind.CUSTOMER, customer_id_text(signed_in.get_customer()))


def _check_own(request_id: UUID) -> None:
    found = service.get_opened(request_id, keys()).request
    if not found.known or found.place != customers.resolve(signed_in.get_customer()):
        raise NotFound()
