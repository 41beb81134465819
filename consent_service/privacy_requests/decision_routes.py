"""The privacy requests API: what staff decide. Each answers with the request as it is then."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from consent_service.kernel.actors import Actor
from consent_service.kernel.ids import CustomerId
from consent_service.oauth.guard import caller, require_scope
from consent_service.privacy_requests import deciding, lifting, service
from consent_service.privacy_requests.jobs import site
from consent_service.privacy_requests.model import IdentityProof, Request, Told, parse_request_id
from consent_service.privacy_requests.schemas import (
    ApproveBody,
    ConfirmBody,
    DoneBody,
    LiftBody,
    MaybeReasonBody,
    PrivacyRequestReply,
    ReasonBody,
)
from consent_service.privacy_requests.views import opened_json
from consent_service.web.api import Reply, Routes, View
from consent_service.web.contracts import Contract
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("privacy_request_decisions", "Privacy requests: what staff decide")


def _act(name: str, body: type[Contract]) -> Callable[[View], View]:
    """A route of one act, in the order that `web.api` asks for."""

    def register(view: View) -> View:
        made = idempotent(view)
        for wrap in (
            api.problem(409),
            api.problem(404),
            api.reply(200, PrivacyRequestReply, "The request as it is now"),
            api.body(body),
            require_scope("requests:decide"),
            api.route(f"/v1/privacy-requests/<id:request_id>/{name}", "POST"),
        ):
            made = wrap(made)
        return made

    return register


@_act("confirm", ConfirmBody)
def confirm_request(body: dict[str, Any], request_id: str) -> Reply:
    """Say how it was made sure who asks, where the person does not use the link."""
    identity = IdentityProof(body["identity"])
    return _shown(deciding.confirm_request(_id(request_id), identity, _by(), now(), keys()))


@_act("approve", ApproveBody)
def approve_request(body: dict[str, Any], request_id: str) -> Reply:
    """Approve. What can be done here is done; the rest waits for who carries it out."""
    given = body.get("identity")
    identity = None if given is None else IdentityProof(given)
    return _shown(deciding.approve_request(_id(request_id), identity, _by(), now(), keys()))


@_act("reject", ReasonBody)
def reject_request(body: dict[str, Any], request_id: str) -> Reply:
    """Reject, with the reason that the person is given."""
    return _shown(deciding.reject_request(_id(request_id), body["reason"], _by(), now(), keys()))


@_act("cancel", MaybeReasonBody)
def cancel_request(body: dict[str, Any], request_id: str) -> Reply:
    """Cancel what is no longer wanted."""
    return _shown(
        deciding.cancel_request(_id(request_id), body.get("reason"), _by(), now(), keys())
    )


@_act("extend", ReasonBody)
def extend_request(body: dict[str, Any], request_id: str) -> Reply:
    """Put the date off, once, by what the catalogue gives."""
    return _shown(deciding.extend_request(_id(request_id), body["reason"], _by(), now(), keys()))


@_act("hold", ReasonBody)
def hold_request(body: dict[str, Any], request_id: str) -> Reply:
    """Put a legal hold on it: it is not carried out until it is released."""
    return _shown(deciding.hold_request(_id(request_id), body["reason"], _by(), now(), keys()))


@_act("release", MaybeReasonBody)
def release_request(body: dict[str, Any], request_id: str) -> Reply:
    """Take the hold off it."""
    return _shown(
        deciding.release_request(_id(request_id), body.get("reason"), _by(), now(), keys())
    )


@_act("done", DoneBody)
def finish_request(body: dict[str, Any], request_id: str) -> Reply:
    """Say that staff have corrected what a rectification asks for, or what is left of it."""
    return _shown(deciding.finish_request(_id(request_id), body.get("left"), _by(), now(), keys()))


@_act("lift", LiftBody)
def lift_restriction(body: dict[str, Any], request_id: str) -> Reply:
    """Announce that the restriction by a request ends: the person is written to, and it is lifted
    seven days later."""
    told = None if body.get("told") is None else Told(body["told"])
    reason = body["reason"]
    return _shown(lifting.announce(_id(request_id), reason, told, site(), _by(), now(), keys()))


@_act("cancel-lift", MaybeReasonBody)
def cancel_lift(body: dict[str, Any], request_id: str) -> Reply:
    """Leave a restriction that was to be lifted."""
    return _shown(lifting.cancel(_id(request_id), body.get("reason"), site(), _by(), now(), keys()))


def _id(text: str) -> UUID:
    return parse_request_id(text)


def _by() -> Actor:
    return caller().actor


def _shown(request: Request) -> Reply:
    opened = service.get_opened(request.id, keys())
    customer = CustomerId(request.place) if request.known else None
    return Reply(opened_json(opened, now(), names=True), customer=customer)
