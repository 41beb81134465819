"""A recipient's own queue, and what staff do where it does not answer."""

from typing import Any

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth.guard import caller, require_scope
from consent_service.privacy_requests.model import parse_request_id
from consent_service.recipients import service
from consent_service.recipients.model import (
    WITHIN,
    Task,
    TaskOutcome,
    Words,
    is_overdue,
    parse_task_id,
    task_id_text,
)
from consent_service.recipients.schemas import (
    AnsweredReply,
    ConfirmForMeBody,
    ForMeList,
    ForMeQuery,
    SettleBody,
)
from consent_service.recipients.sealing import open_about
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("recipients", "What recipients are to do of what people ask for")


@api.route("/v1/requests-for-me", "GET")
@require_scope("recipients:confirm")
@api.query(ForMeQuery)
@api.reply(200, ForMeList, "A page of what is still to be answered")
@api.problem(404)
def list_for_me(query: dict[str, Any]) -> Reply:
    """What people asked for, of data that the recipients whom this client stands for have had,
    the oldest first. Answered ones are not in it."""
    page = service.list_for(_own(query.get("recipient")), query.get("cursor"), query["limit"])
    items = [_json(task) for task in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


@api.route("/v1/requests-for-me/<id:task_id>/confirm", "POST")
@require_scope("recipients:confirm")
@api.body(ConfirmForMeBody)
@api.reply(200, AnsweredReply, "Noted; the same again is the same")
@api.problem(404)
@api.problem(409)
@idempotent
def confirm_for_me(body: dict[str, Any], task_id: str) -> Reply:
    """Say what was done: `done`, `nothing_held`, or `not_done` and why."""
    words = None if body.get("words") is None else Words(body["words"])
    outcome = TaskOutcome(body["outcome"])
    task = service.confirm(parse_task_id(task_id), _own(None), outcome, words, now())
    return Reply(_answered_json(task))


@api.route("/v1/privacy-requests/<id:request_id>/settle", "POST")
@require_scope("requests:decide")
@api.body(SettleBody)
@api.reply(200, AnsweredReply, "No longer waited for")
@api.problem(404)
@api.problem(409)
@idempotent
def settle_recipient(body: dict[str, Any], request_id: str) -> Reply:
    """Wait no longer for a recipient's answer: the request ends without it, as failed."""
    found = service.settle(parse_request_id(request_id), body["recipient"], caller().actor, now())
    return Reply(_answered_json(found))


def _own(named: str | None) -> tuple[str, ...]:
    """The recipients that the caller stands for, or the one it names of them. Raises: NotFound."""
    own = caller().recipients
    if named is not None and named not in own:
        raise NotFound()
    return own if named is None else (named,)


def _json(task: Task) -> dict[str, Any]:
    assert task.about is not None
    about = open_about(task.about, task.id, keys())
    return {
        "id": task_id_text(task),
        "recipient": task.recipient,
        "kind": task.kind.value,
        "told_at": rfc3339(task.told_at),
        "answer_by": rfc3339(task.told_at + WITHIN),
        "overdue": is_overdue(task, now()),
        "customer_ids": [customer_id_text(found) for found in about.customer_ids],
        "identifiers": [{"type": kind.value, "value": value} for kind, value in about.identifiers],
    }


def _answered_json(task: Task) -> dict[str, Any]:
    assert task.outcome is not None
    assert task.ended_at is not None
    return {
        "id": task_id_text(task),
        "recipient": task.recipient,
        "outcome": task.outcome.value,
        "words": None if task.words is None else task.words.value,
        "ended_at": rfc3339(task.ended_at),
    }
