"""The privacy requests API: handing in and reading. What staff decide is in `decision_routes`."""

from typing import Any

from consent_service.accounts import sessions
from consent_service.kernel.ids import CustomerId
from consent_service.oauth.guard import Customers, caller, reach, require_scope
from consent_service.privacy_requests import intake, service
from consent_service.privacy_requests.jobs import site
from consent_service.privacy_requests.model import (
    RequestFilter,
    RequestKind,
    RequestState,
    parse_request_id,
)
from consent_service.privacy_requests.schemas import (
    PrivacyRequestBody,
    PrivacyRequestList,
    PrivacyRequestReceipt,
    PrivacyRequestReply,
    PrivacyRequestsQuery,
)
from consent_service.privacy_requests.sealing import Asked
from consent_service.privacy_requests.views import opened_json, receipt_json, summary_json
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("privacy_requests", "Privacy requests: access, correction, erasure and the others")


@api.route("/v1/privacy-requests", "POST")
@require_scope("requests:write", customers=Customers.OWN)
@api.body(PrivacyRequestBody)
@api.reply(202, PrivacyRequestReceipt, "Received; the same whether or not there is such a person")
@api.problem(409)
@idempotent
def submit_request(body: dict[str, Any]) -> Reply:
    """Hand in what a person asks for. With the customer's own token, soon after they signed in,
    it is confirmed at once; else the person gets a link, at the address on file."""
    kind, touchpoint, own = RequestKind(body["kind"]), body.get("touchpoint"), caller().customer_id
    asked = Asked(body.get("customer_id") or body["identifier"], caller().actor, body.get("note"))
    if own is None:
        made = intake.submit(asked, kind, touchpoint, now(), keys())
        return Reply(receipt_json(made), 202)
    fresh = sessions.has_fresh(own, now())
    made = intake.submit_own(
        asked, kind, touchpoint, fresh=fresh, site=site(), now=now(), keys=keys()
    )
    return Reply(receipt_json(made), 202, customer=CustomerId(made.place))


@api.route("/v1/privacy-requests", "GET")
@require_scope("requests:read", customers=Customers.OWN)
@api.query(PrivacyRequestsQuery)
@api.reply(200, PrivacyRequestList, "A page of requests")
def list_requests(query: dict[str, Any]) -> Reply:
    """The requests, oldest first. A customer's token asks with its own `customer_id`."""
    state, kind, moment = query.get("state"), query.get("kind"), now()
    wanted = RequestFilter(
        query.get("customer_id"),
        None if state is None else RequestState(state),
        None if kind is None else RequestKind(kind),
        moment if query["overdue"] else None,
    )
    page = service.list_requests(wanted, query.get("cursor"), query["limit"])
    items = [summary_json(each, moment) for each in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


@api.route("/v1/privacy-requests/<id:request_id>", "GET")
@require_scope("requests:read", customers=Customers.OWN)
@api.reply(200, PrivacyRequestReply, "The request, and every step it took")
@api.problem(404)
def show_request(request_id: str) -> Reply:
    """Show a request. A customer sees of staff that it was staff, and not who."""
    opened = service.get_opened(parse_request_id(request_id), keys())
    reach(CustomerId(opened.request.place))
    names = caller().customer_id is None
    return Reply(opened_json(opened, now(), names=names))
