"""Global Privacy Control. A browser sends it with every request, so that nothing has to be kept
to know it; of somebody who signs in it is recorded once.

Source: W3C, Global Privacy Control.
"""

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.consents import service as consents
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text
from consent_service.privacy_requests.carrying_out import usual_touchpoint
from consent_service.web import cookies
from consent_service.web.runtime import keys, now, this_request


def is_sent() -> bool:
    """Whether the browser asks not to sell or share."""
    return bool(this_request().environ.get("HTTP_SEC_GPC") == "1")


def honour() -> None:
    """Makes the signal count for whoever is signed in."""
    if not is_sent() or not cookies.secret():
        return
    customer = signed_in.customer()
    if customer is not None:
        record(customer)


def record(customer_id: CustomerId) -> None:
    """Records an opt-out of sale and targeted advertising, unless it was."""
    try:
        if customers.get_record(customer_id).facts.gpc_since is not None:
            return
        actor = Actor(ActorKind.CUSTOMER, customer_id_text(customer_id))
        touchpoint = usual_touchpoint(catalogues.current())
        consents.record_gpc(customer_id, now(), touchpoint, actor, now(), keys())
    except NotFound:
        return  # erased meanwhile, or no catalogue to be asked by yet
