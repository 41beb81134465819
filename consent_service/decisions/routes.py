"""The decisions API: ask before you use."""

from typing import Any

from flask import Response

from consent_service.catalogue.model import Channel
from consent_service.consents.tokens import read_token
from consent_service.customers.quick import named_in
from consent_service.decisions import service
from consent_service.decisions.model import Check, Decision, Question
from consent_service.decisions.quick import quick_batch, quick_check
from consent_service.decisions.schemas import BatchBody, BatchReply, CheckBody, DecisionReply
from consent_service.decisions.statements import sign_statement
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, decode, encode, encode_all
from consent_service.oauth.guard import (
    Customers,
    by_one_read,
    caller,
    looked_up,
    reach,
    require_scope,
)
from consent_service.oauth.model import Caller
from consent_service.web.api import MEBIBYTE, Reply, Routes
from consent_service.web.runtime import keys, now, runtime

api = Routes("decisions", "Decisions: may this data be used for this purpose, now?")


@api.route("/v1/decisions", "POST", one_door=True)
@require_scope(
    "decisions:check", customers=Customers.OWN, find=by_one_read(named_in, service.look_up)
)
@api.body(CheckBody, quick_check)
@api.reply(200, DecisionReply, "The answer, logged")
def check_one(body: dict[str, Any]) -> Reply:
    """Ask whether data of a person may be used for a purpose. Deny is a 200; a failure counts
    as deny."""
    who = caller()
    found = looked_up()
    decision = service.check(_check(body, who), who.client_id, now(), keys(), found)
    return Reply(_decision_json(encode("dec", decision.place, decision.id), decision))


@api.route("/v1/decisions/batch", "POST", max_body=16 * MEBIBYTE)
@require_scope("decisions:check", customers=Customers.OWN)
@api.body(BatchBody, quick_batch)
@api.reply(200, BatchReply, "The answers, each logged")
def check_batch(body: dict[str, Any]) -> Reply:
    """Ask up to 10,000 times at once; each check has its own outcome and log entry."""
    who = caller()
    checks = [_check(part, who, f"/checks/{at}") for at, part in enumerate(body["checks"])]
    found = service.check_batch(checks, who.client_id, now(), keys())
    ids = encode_all("dec", [each.place for each in found], [each.id for each in found])
    return Reply({"decisions": list(map(_decision_json, ids, found))})


@api.route("/v1/decisions/<id:decision_id>", "GET")
@require_scope("decisions:check", customers=Customers.OWN)
@api.reply(200, {"type": "string"}, "The decision as a JWS", "application/jose")
@api.problem(404)
def show_statement(decision_id: str) -> Response:
    """A decision that this client was given, as a signed statement, verifiable offline."""
    place, entry_id = decode("dec", decision_id, 2)
    reach(CustomerId(place))
    found = service.get_entry(place, entry_id, caller().client_id, keys())
    signed = sign_statement(place, entry_id, found, runtime().settings.base_url, keys())
    return Response(signed, mimetype="application/jose")


def _check(body: dict[str, Any], who: Caller, pointer: str = "") -> Check:
    channel, categories = body.get("channel"), body.get("data_categories")
    token = body.get("at_least_as_fresh")
    return Check(
        Question(
            body["purpose"],
            None if channel is None else Channel(channel),
            None if categories is None else tuple(categories),
            who.recipient_for(body.get("recipient")),
        ),
        body.get("customer_id"),
        body.get("identifier"),
        body.get("context", {}),
        None if token is None else read_token(token, pointer),
        pointer,
    )


def _decision_json(decision_id: str, decision: Decision) -> dict[str, Any]:
    verdict = decision.verdict
    record = verdict.record
    return {
        "decision_id": decision_id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "purpose": decision.purpose,
        "channel": verdict.channel,
        "data_categories": list(verdict.data_categories),
        "record_revision": None if record is None else record.revision,
        "notice_version": None if record is None else record.notice_version,
        "evaluated_at": rfc3339(decision.evaluated_at),
        "valid_until": rfc3339(verdict.valid_until),
    }
