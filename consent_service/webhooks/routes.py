"""The change feed, and webhooks.

An answer with a secret is not kept for an Idempotency-Key: it is shown once.
"""

from datetime import timedelta
from typing import Any

from flask import Response

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import encode
from consent_service.ledger import feed
from consent_service.oauth.guard import caller, require_scope
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now, runtime
from consent_service.webhooks import service
from consent_service.webhooks.changes import Changes, list_changes
from consent_service.webhooks.events import Event
from consent_service.webhooks.model import (
    Delivery,
    DeliveryState,
    Webhook,
    delivery_id_text,
    parse_delivery_id,
    parse_webhook_id,
    webhook_id_text,
)
from consent_service.webhooks.schemas import (
    ChangesQuery,
    ChangesReply,
    DeliveriesQuery,
    DeliveryList,
    NewWebhookReply,
    ReplayBody,
    ReplayReply,
    RotateBody,
    WebhookBody,
    WebhookList,
    WebhookReply,
    WebhookSecretReply,
)
from consent_service.webhooks.waiting import seat, wait_until

api = Routes("webhooks", "The change feed, and webhooks")


@api.route("/v1/changes", "GET")
@require_scope("changes:read")
@api.query(ChangesQuery)
@api.reply(200, ChangesReply, "What follows the cursor")
@api.problem(410)
def show_changes(query: dict[str, Any]) -> Reply:
    """What changed, in an order that passes nothing by. Ask again with the cursor; `wait` to be
    answered as soon as there is something."""
    found = _look(query, query.get("cursor"))
    if query["wait"] == 0 or found.items or found.more:
        return _changes(found)
    with seat(runtime().settings.threads) as seated:
        if not seated:
            return _changes(found, {"Retry-After": "1"})
        return _changes(_wait(query, found))


def _wait(query: dict[str, Any], found: Changes) -> Changes:
    newest = [found]

    def has_come() -> bool:
        if feed.find_size() > newest[-1].size:
            newest.append(_look(query, newest[-1].next_cursor))
        return bool(newest[-1].items) or newest[-1].more

    wait_until(has_come, query["wait"])
    return newest[-1]


def _look(query: dict[str, Any], cursor: str | None) -> Changes:
    wanted, from_now = query.get("types", frozenset()), query["start"] == "now"
    return list_changes(wanted, cursor, query["limit"], now(), keys(), from_now=from_now)


def _changes(found: Changes, headers: dict[str, str] | None = None) -> Reply:
    items = [_event_json(each) for each in found.items]
    body = {"items": items, "next_cursor": found.next_cursor, "more": found.more}
    return Reply(body, headers=headers or {})


@api.route("/v1/webhooks", "GET")
@require_scope("webhooks:manage")
@api.reply(200, WebhookList, "Every webhook")
def list_webhooks() -> Reply:
    """List the webhooks, and how they do."""
    counts = service.count_deliveries()
    items = [_webhook_json(each, counts) for each in service.list_webhooks()]
    return Reply({"items": items, "next_cursor": None})


@api.route("/v1/webhooks", "POST")
@require_scope("webhooks:manage")
@api.body(WebhookBody)
@api.reply(201, NewWebhookReply, "Added; the secret is shown this once")
@api.problem(409)
def add_webhook(body: dict[str, Any]) -> Reply:
    """Add a webhook, which is sent what happens from now on."""
    made, secret = service.add_webhook(
        body["url"],
        body["event_types"],
        body.get("client_id", caller().client_id),
        caller().actor,
        now(),
        keys(),
        private_hosts=runtime().settings.private_hosts,
    )
    return Reply({**_webhook_json(made, {}), "secret": secret}, 201)


@api.route("/v1/webhooks/<id:webhook_id>", "GET")
@require_scope("webhooks:manage")
@api.reply(200, WebhookReply, "The webhook")
@api.problem(404)
def show_webhook(webhook_id: str) -> Reply:
    """Show a webhook."""
    found = service.get_webhook(parse_webhook_id(webhook_id))
    return Reply(_webhook_json(found, service.count_deliveries()))


@api.route("/v1/webhooks/<id:webhook_id>", "DELETE")
@require_scope("webhooks:manage")
@api.reply(204, None, "Gone, and what was still to be sent with it")
@api.problem(404)
def delete_webhook(webhook_id: str) -> Response:
    """Delete a webhook."""
    service.delete_webhook(parse_webhook_id(webhook_id), caller().actor, now())
    return Response(status=204)


@api.route("/v1/webhooks/<id:webhook_id>/enable", "POST")
@require_scope("webhooks:manage")
@api.reply(200, WebhookReply, "The webhook as it is now")
@api.problem(404)
@api.problem(409)
@idempotent
def enable_webhook(webhook_id: str) -> Reply:
    """Send to a webhook again that answered 410. What happened meanwhile is in the feed alone."""
    found = service.enable_webhook(parse_webhook_id(webhook_id), caller().actor, now())
    return Reply(_webhook_json(found, service.count_deliveries()))


@api.route("/v1/webhooks/<id:webhook_id>/secrets", "POST")
@require_scope("webhooks:manage")
@api.body(RotateBody)
@api.reply(201, WebhookSecretReply, "The new secret, shown this once")
@api.problem(404)
def rotate_webhook_secret(body: dict[str, Any], webhook_id: str) -> Reply:
    """Give a webhook a new secret. The one before signs as well for `overlap_hours`."""
    overlap = timedelta(hours=body["overlap_hours"])
    secret = service.rotate_secret(
        parse_webhook_id(webhook_id), overlap, caller().actor, now(), keys()
    )
    return Reply({"id": webhook_id, "secret": secret}, 201)


@api.route("/v1/webhooks/<id:webhook_id>/deliveries", "GET")
@require_scope("webhooks:manage")
@api.query(DeliveriesQuery)
@api.reply(200, DeliveryList, "A page of deliveries")
@api.problem(404)
def list_deliveries(query: dict[str, Any], webhook_id: str) -> Reply:
    """List what was, is or will be sent, the oldest first."""
    state = None if "state" not in query else DeliveryState(query["state"])
    page = service.list_deliveries(
        parse_webhook_id(webhook_id), state, query.get("cursor"), query["limit"]
    )
    items = [_delivery_json(each) for each in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


@api.route("/v1/webhooks/<id:webhook_id>/deliveries/replay", "POST")
@require_scope("webhooks:manage")
@api.body(ReplayBody)
@api.reply(200, ReplayReply, "They wait to be sent again")
@api.problem(404)
@api.problem(409)
@idempotent
def replay_deliveries(body: dict[str, Any], webhook_id: str) -> Reply:
    """Send again what was delivered or given up, under the ids it had."""
    named = body.get("delivery_ids")
    wanted = None if named is None else [parse_delivery_id(each) for each in named]
    again = service.replay(parse_webhook_id(webhook_id), wanted, caller().actor, now())
    return Reply({"replayed": again})


def _event_json(event: Event) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, **event.said}


def _webhook_json(webhook: Webhook, counts: Any) -> dict[str, Any]:
    return {
        "id": webhook_id_text(webhook.id),
        "url": service.open_url(webhook, keys()),
        "event_types": list(webhook.event_types),
        "client_id": webhook.client_id,
        "created_at": rfc3339(webhook.created_at),
        "disabled_at": None if webhook.disabled_at is None else rfc3339(webhook.disabled_at),
        "failures": webhook.failures,
        "deliveries": {
            state.value: counts.get((webhook.id, state.value), 0) for state in DeliveryState
        },
    }


def _delivery_json(each: Delivery) -> dict[str, Any]:
    waits = each.state is DeliveryState.WAITING
    return {
        "id": delivery_id_text(each.id),
        "event_id": encode("chg", each.event_id),
        "event_type": each.event_type,
        "state": each.state.value,
        "tries": each.tries,
        "created_at": rfc3339(each.created_at),
        "next_try_at": rfc3339(each.due_at) if waits else None,
        "finished_at": None if each.finished_at is None else rfc3339(each.finished_at),
        "last_status": each.last_status,
        "last_error": each.last_error,
    }
