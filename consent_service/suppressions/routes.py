"""The suppressions API."""

from typing import Any

from consent_service.catalogue.model import Channel
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import decode, encode
from consent_service.oauth.guard import caller, require_scope
from consent_service.suppressions import service
from consent_service.suppressions.model import Reason, Suppression
from consent_service.suppressions.schemas import (
    SuppressionBody,
    SuppressionList,
    SuppressionReply,
    SuppressionsQuery,
)
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("suppressions", "Suppressions: do not use, whatever else is said")


@api.route("/v1/suppressions", "POST")
@require_scope("suppressions:write")
@api.body(SuppressionBody)
@api.reply(201, SuppressionReply, "It counts at the next check")
@api.reply(200, SuppressionReply, "It was there already")
@api.problem(409)
@idempotent
def record_suppression(body: dict[str, Any]) -> Reply:
    """Suppress an identifier, whether or not anybody has it."""
    moment = now()
    channel = body.get("channel")
    wanted = (
        body["identifier"],
        Reason(body["reason"]),
        None if channel is None else Channel(channel),
        min(body.get("happened_at", moment), moment),
    )
    mark, is_new = service.record_suppressions(
        [wanted], body.get("source"), moment, keys(), caller().actor
    )[0]
    return Reply(_json(mark), 201 if is_new else 200)


@api.route("/v1/suppressions", "GET")
@require_scope("suppressions:read")
@api.query(SuppressionsQuery)
@api.reply(200, SuppressionList, "A page of marks")
def list_suppressions(query: dict[str, Any]) -> Reply:
    """The marks, oldest first; open ones unless `open=false` asks for all."""
    reason = query.get("reason")
    page = service.list_marks(
        None if reason is None else Reason(reason),
        query["open"],
        query.get("cursor"),
        query["limit"],
    )
    return Reply({"items": [_json(m) for m in page.items], "next_cursor": page.next_cursor})


@api.route("/v1/suppressions/<id:suppression_id>", "DELETE")
@require_scope("suppressions:write")
@api.reply(200, SuppressionReply, "Closed; the row stays")
@api.problem(404)
@api.problem(409)
@idempotent
def close_suppression(suppression_id: str) -> Reply:
    """Close a mark. The row stays, with the time it stopped to count."""
    mark_id = decode("sup", suppression_id)[0]
    return Reply(_json(service.close_suppression(mark_id, caller().actor, now())))


def _json(mark: Suppression) -> dict[str, Any]:
    return {
        "id": encode("sup", mark.id),
        "identifier_type": mark.identifier_type.value,
        "reason": mark.reason.value,
        "channel": mark.channel,
        "source": mark.source,
        "happened_at": rfc3339(mark.happened_at),
        "recorded_at": rfc3339(mark.recorded_from),
        "closed_at": None if mark.closed_at is None else rfc3339(mark.closed_at),
    }
