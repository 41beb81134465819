"""The approvals API: opening what proves the consents of somebody who was erased.

A client's token brings the request here; who acts is the officer in the body, by password and
one-time code. Nothing here is kept for an Idempotency-Key: a code counts once.
"""

from typing import Any
from uuid import UUID

from consent_service.accounts import limits, staff
from consent_service.accounts.model import Staff
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.oauth.guard import require_scope
from consent_service.privacy_requests.model import parse_request_id
from consent_service.proof_openings import service
from consent_service.proof_openings.model import Basis, Opening, Whose, parse_opening_id
from consent_service.proof_openings.schemas import (
    ActBody,
    ApprovalBody,
    ApprovalList,
    ApprovalReply,
    ProofReply,
)
from consent_service.proof_openings.views import found_json, opening_json
from consent_service.web.api import Reply, Routes
from consent_service.web.contracts import PageQuery
from consent_service.web.runtime import keys, now

api = Routes("approvals", "Approvals: what two privacy officers do together")


@api.route("/v1/approvals", "GET")
@require_scope("requests:decide")
@api.query(PageQuery)
@api.reply(200, ApprovalList, "A page of approvals")
def list_approvals(query: dict[str, Any]) -> Reply:
    """The approvals that were asked for, oldest first."""
    page = service.list_openings(query.get("cursor"), query["limit"])
    moment = now()
    items = [opening_json(each, moment) for each in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


@api.route("/v1/approvals", "POST")
@require_scope("requests:decide")
@api.body(ApprovalBody)
@api.reply(201, ApprovalReply, "Asked for; another officer approves within 24 hours")
@api.problem(404)
@api.problem(410)
def ask_for_approval(body: dict[str, Any]) -> Reply:
    """Ask, as a privacy officer, that proofs kept of somebody who was erased are opened."""
    whose = Whose(_request(body.get("request_id")), body.get("customer_id"))
    officer, basis = _officer(body), Basis(body["legal_basis"])
    made = service.ask_for_opening(whose, basis, body["reason"], officer, now(), keys())
    return Reply(opening_json(made, now(), body["reason"]), 201)


@api.route("/v1/approvals/<id:approval_id>", "GET")
@require_scope("requests:decide")
@api.reply(200, ApprovalReply, "How far it is, and why it was asked for")
@api.problem(404)
def show_approval(approval_id: str) -> Reply:
    """Show an approval."""
    return _shown(service.get_opening(parse_opening_id(approval_id)))


@api.route("/v1/approvals/<id:approval_id>/approve", "POST")
@require_scope("requests:decide")
@api.body(ActBody)
@api.reply(200, ApprovalReply, "Approved; who asked fetches it within 24 hours")
@api.problem(404)
@api.problem(409)
@api.problem(410)
def approve(body: dict[str, Any], approval_id: str) -> Reply:
    """Approve, as another privacy officer than the one who asked."""
    opening_id = parse_opening_id(approval_id)
    return _shown(service.approve_opening(opening_id, _officer(body), now()))


@api.route("/v1/approvals/<id:approval_id>/reject", "POST")
@require_scope("requests:decide")
@api.body(ActBody)
@api.reply(200, ApprovalReply, "Rejected")
@api.problem(404)
@api.problem(409)
def reject(body: dict[str, Any], approval_id: str) -> Reply:
    """Reject, as any privacy officer; who asked takes it back like this."""
    opening_id = parse_opening_id(approval_id)
    return _shown(service.reject_opening(opening_id, _officer(body), now()))


@api.route("/v1/approvals/<id:approval_id>/proof", "POST")
@require_scope("requests:decide")
@api.body(ActBody)
@api.reply(200, ProofReply, "What was kept, opened this once")
@api.problem(404)
@api.problem(409)
@api.problem(410)
def fetch(body: dict[str, Any], approval_id: str) -> Reply:
    """Fetch what was approved, once, as the officer who asked for it."""
    opening_id = parse_opening_id(approval_id)
    found = service.fetch_proof(opening_id, _officer(body), now(), keys())
    return Reply(found_json(found, now()))


def _officer(body: dict[str, Any]) -> Staff:
    """Who acts. Raises: TooMany, NotRecognised."""
    given = body["officer"]
    name = given["name"].strip().lower()
    limits.admit_staff_try(name)
    return staff.recognise(name, given["password"], given["code"], now(), keys())


def _request(text: str | None) -> UUID | None:
    try:
        return None if text is None else parse_request_id(text)
    except NotFound:
        raise Invalid.at("/request_id", "invalid", "Not the id of a request.") from None


def _shown(opening: Opening) -> Reply:
    return Reply(opening_json(opening, now(), service.find_reason(opening, keys())))
