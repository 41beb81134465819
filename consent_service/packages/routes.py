"""Fetching a package: by the customer, or by whoever hands it to them; and what recipients give."""

from typing import Any

from flask import Response

from consent_service.accounts import sessions
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.oauth.guard import Customers, caller, reach, require_scope
from consent_service.packages import service
from consent_service.packages.model import FreshSignInRequired
from consent_service.packages.schemas import PartBody, PartReply
from consent_service.packages.sending import respond
from consent_service.privacy_requests.model import parse_request_id
from consent_service.privacy_requests.steps import get_request
from consent_service.recipients import service as recipients
from consent_service.recipients.model import parse_task_id
from consent_service.web.api import MEBIBYTE, Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

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


@api.route("/v1/requests-for-me/<id:task_id>/parts", "POST", max_body=15 * MEBIBYTE)
@require_scope("recipients:confirm")
@api.body(PartBody)
@api.reply(201, PartReply, "Taken; it replaces what was given under the same name")
@api.problem(404)
@api.problem(409)
@idempotent
def give_part(body: dict[str, Any], task_id: str) -> Reply:
    """Give a file of what is held of somebody who asked for access: any number up to 20, and then
    confirm. What is not given by a day before the request is due is gone without."""
    task = recipients.get_open_task(parse_task_id(task_id), caller().recipients)
    name, content = body["name"], body["content"]
    part = service.add_part(task.request_id, task.recipient, name, content, now(), keys())
    told = {
        "recipient": part.recipient,
        "content_type": part.content_type,
        "size": part.size,
        "given_at": rfc3339(part.given_at),
    }
    return Reply(told, 201, customer=CustomerId(part.place))
