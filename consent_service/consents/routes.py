"""The consents API."""

from collections.abc import Sequence
from typing import Any

from flask import Response, request

from consent_service.catalogue.model import Channel
from consent_service.consents import receipts, service
from consent_service.consents.batches import one_batch_at_a_time
from consent_service.consents.budget import counted
from consent_service.consents.model import EffectiveConsent, Event, EventKind, NewEvent
from consent_service.consents.quick import quick_events
from consent_service.consents.schemas import (
    AsOfQuery,
    EffectiveListReply,
    EventListReply,
    EventsBody,
    EventsQuery,
    ReceiptReply,
    RecordReply,
    SignalBody,
    SignalReply,
)
from consent_service.consents.service import Recorded
from consent_service.consents.tokens import make_token, make_tokens
from consent_service.customers import service as customers
from consent_service.customers.model import Identifier
from consent_service.customers.quick import named_in
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, decode, encode, encode_all, parse_customer_id
from consent_service.oauth.guard import (
    Customers,
    by_one_read,
    caller,
    looked_up,
    reach,
    require_scope,
)
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent, idempotent_by_itself
from consent_service.web.runtime import keys, now, runtime

api = Routes("consents", "Consents: events, what holds, receipts, signals")


@api.route("/v1/consents", "POST", one_door=True)
@require_scope(
    "consents:write", customers=Customers.OWN, find=by_one_read(named_in, service.look_up)
)
@api.body(EventsBody, quick_events)
@api.reply(201, RecordReply, "Recorded; it counts at the next check")
@api.problem(404)
@api.problem(409)
@counted
@one_batch_at_a_time
@idempotent_by_itself
def record_consents(body: dict[str, Any]) -> Reply:
    """Record one event, or up to 1,000, all or none."""
    moment, ring, actor = now(), keys(), caller().actor
    if "events" in body:
        events = [_event(part) for part in body["events"]]
        recorded = service.record_consents(events, actor, moment, ring)
        return Reply({"results": _all_recorded(recorded)}, 201)
    done = service.record_consent(_event(body), actor, moment, ring, looked_up())
    return Reply(_all_recorded([done])[0], 201, customer=done.event.customer_id)


@api.route("/v1/customers/<id:customer_id>/consents", "GET")
@require_scope("consents:read", customers=Customers.OWN)
@api.query(AsOfQuery)
@api.reply(200, EffectiveListReply, "What holds for every purpose and channel")
@api.problem(404)
def list_consents(query: dict[str, Any], customer_id: str) -> Reply:
    """What holds, or held at `as_of` as it was known then."""
    found = service.list_effective(parse_customer_id(customer_id), query.get("as_of"), now())
    customer = parse_customer_id(customer_id)
    return Reply({"items": [_effective_json(customer, c) for c in found], "next_cursor": None})


@api.route("/v1/customers/<id:customer_id>/consents/events", "GET")
@require_scope("consents:read", customers=Customers.OWN)
@api.query(EventsQuery)
@api.reply(200, EventListReply, "A page of the history")
@api.problem(404)
def list_events(query: dict[str, Any], customer_id: str) -> Reply:
    """The history of a customer's consents, oldest recording first."""
    found = service.list_events(parse_customer_id(customer_id), query.get("cursor"), query["limit"])
    return Reply(
        {"items": [_event_json(event) for event in found.items], "next_cursor": found.next_cursor}
    )


@api.route("/v1/signals", "POST")
@require_scope("consents:write", customers=Customers.OWN)
@api.body(SignalBody)
@api.reply(201, SignalReply, "Recorded; it counts at the next check")
@api.problem(404)
@api.problem(409)
@counted
@idempotent
def record_signal(body: dict[str, Any]) -> Reply:
    """Record a Global Privacy Control signal: an opt-out of sale and targeted advertising."""
    customer_id, revision = service.record_gpc(
        _owner(body), body["captured_at"], body["touchpoint"], caller().actor, now(), keys()
    )
    reply = {
        "signal": body["signal"],
        "revision": revision,
        "consent_token": make_token(customer_id, revision),
    }
    return Reply(reply, 201, customer=customer_id)


@api.route("/v1/receipts/<id:event_id>", "GET")
@require_scope("consents:read", customers=Customers.OWN)
@api.reply(200, ReceiptReply, "A receipt; signed unless asked for plain")
@api.reply(200, {"type": "string"}, "A receipt; signed unless asked for plain", "application/jose")
@api.problem(404)
def show_receipt(event_id: str) -> Reply | Response:
    """A receipt: a signed copy of what was recorded."""
    customer, event = decode("evt", event_id, 2)
    reach(CustomerId(customer))
    issuer = runtime().settings.base_url
    receipt = receipts.get_receipt(CustomerId(customer), event, issuer)
    if request.accept_mimetypes.best_match(["application/jose", "application/json"]) == (
        "application/json"
    ):
        return Reply(receipt, headers={"Vary": "Accept"})
    signed = Response(receipts.sign_receipt(receipt, keys()), mimetype="application/jose")
    signed.headers["Vary"] = "Accept"
    return signed


def _finder(body: dict[str, Any]) -> CustomerId | Identifier:
    found: CustomerId | Identifier = body.get("customer_id") or body["identifier"]
    return found


def _owner(body: dict[str, Any]) -> CustomerId:
    """Whom a body is about. A device that nobody has is a new customer. Raises: NotFound."""
    found = _finder(body)
    if isinstance(found, Identifier):
        return customers.get_or_create_owners([found], now(), keys())[found]
    return found


_KINDS = {kind.value: kind for kind in EventKind}
_CHANNELS = {channel.value: channel for channel in Channel}


def _event(body: dict[str, Any]) -> NewEvent:
    channel = body.get("channel")
    return NewEvent(
        _finder(body),
        body["purpose"],
        _KINDS[body["event"]],
        None if channel is None else _CHANNELS[channel],
        body.get("notice_version"),
        body.get("language"),
        body["touchpoint"],
        body["captured_at"],
        body.get("context", {}).get("lifecycle_stage"),
        body.get("evidence"),
        body.get("agent"),
        body.get("guardian"),
    )


def _all_recorded(recorded: Sequence[Recorded]) -> list[dict[str, Any]]:
    events = [done.event for done in recorded]
    whose = [event.customer_id for event in events]
    ids = encode_all("evt", whose, [event.id for event in events])
    tokens = make_tokens(whose, [event.revision for event in events])
    receipts_at = f"{runtime().settings.base_url}/v1/receipts/"
    return [
        {
            "event_id": event_id,
            "state": str(done.state),
            "revision": done.event.revision,
            "consent_token": token,
            "receipt_url": receipts_at + event_id,
        }
        for done, event_id, token in zip(recorded, ids, tokens, strict=True)
    ]


def _receipt_url(event: Event) -> str:
    return f"{runtime().settings.base_url}/v1/receipts/{receipts.event_id_text(event)}"


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "event_id": receipts.event_id_text(event),
        "event": event.kind.value,
        "purpose": event.purpose,
        "channel": event.channel,
        "happened_at": rfc3339(event.happened_at),
        "captured_at": rfc3339(event.captured_at),
        "recorded_at": rfc3339(event.recorded_at),
        "revision": event.revision,
        "notice_version": event.notice_version,
        "language": event.language,
        "touchpoint": event.touchpoint,
        "lifecycle_stage": event.lifecycle_stage,
        "actor": f"{event.actor.kind}:{event.actor.id}",
        "by_guardian": event.by_guardian,
        "imported": event.imported,
        "receipt_url": _receipt_url(event),
    }


def _effective_json(customer_id: CustomerId, consent: EffectiveConsent) -> dict[str, Any]:
    record = consent.record
    return {
        "purpose": consent.purpose.key,
        "channel": consent.channel,
        "state": consent.state,
        "legal_basis": consent.purpose.legal_basis.value,
        "regime": consent.regime,
        "happened_at": None if record is None else rfc3339(record.happened_at),
        "notice_version": None if record is None else record.notice_version,
        "expires_at": None if consent.expires_at is None else rfc3339(consent.expires_at),
        "event_id": None if record is None else encode("evt", customer_id, record.event_id),
    }
