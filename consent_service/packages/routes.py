"""Fetching a package: by the customer, or by whoever hands it to them."""

from flask import Response

from consent_service.accounts import sessions
from consent_service.kernel.ids import CustomerId
from consent_service.oauth.guard import Customers, caller, reach, require_scope
from consent_service.packages.model import FreshSignInRequired
from consent_service.packages.sending import respond
from consent_service.privacy_requests.model import parse_request_id
from consent_service.privacy_requests.steps import get_request
from consent_service.web.api import Routes
from consent_service.web.runtime import now

api = Routes("packages", "Packages: what access and portability bring")


@api.route("/v1/privacy-requests/<id:request_id>/package", "GET")
@require_scope("packages:read", customers=Customers.OWN)
@api.reply(200, {"type": "string"}, "The package, once", "application/zip")
@api.problem(404)
@api.problem(409)
def fetch_package(request_id: str) -> Response:
    """Fetch what came of a request for access or portability. It is gone when it was sent to its
    end; one that broke off can be fetched again. A customer's own token wants a sign-in of the
    last five minutes. Every fetching is logged."""
    asked = get_request(parse_request_id(request_id))
    reach(CustomerId(asked.place))
    own = caller().customer_id
    if own is not None and not sessions.has_fresh(own, now()):
        raise FreshSignInRequired()
    return respond(asked, caller().actor)
