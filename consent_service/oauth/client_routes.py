"""The clients API, and what customers allowed apps.

An answer with a secret is not kept for an Idempotency-Key: it is shown once.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import customer_id_text, parse_customer_id
from consent_service.oauth import grant_service, service
from consent_service.oauth.client_keys import checked_jwks
from consent_service.oauth.client_schemas import (
    ClientBody,
    ClientList,
    ClientPatch,
    ClientReply,
    GrantList,
    NewClientReply,
    SecretBody,
    SecretReply,
)
from consent_service.oauth.grant_model import CustomerGrant
from consent_service.oauth.guard import Customers, caller, require_scope
from consent_service.oauth.model import Client, ClientChanges, ClientKind
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import now

api = Routes("clients", "Clients, and the apps that customers allowed")


@api.route("/v1/clients", "GET")
@require_scope("clients:manage")
@api.reply(200, ClientList, "Every client")
def list_clients() -> Reply:
    """List the clients, with their last use."""
    items = [_client_json(client) for client in service.list_clients()]
    return Reply({"items": items, "next_cursor": None})


@api.route("/v1/clients", "POST")
@require_scope("clients:manage")
@api.body(ClientBody)
@api.reply(201, NewClientReply, "Registered; the secret is shown this once")
@api.problem(409)
def add_client(body: dict[str, Any]) -> Reply:
    """Register a client: a service, or an app that acts for customers who allow it."""
    made = service.create_client(
        body["client_id"],
        body["name"],
        frozenset(body["scopes"]),
        tuple(body["recipients"]),
        caller().actor,
        now(),
        kind=ClientKind(body["kind"]),
        redirect_uris=tuple(body["redirect_uris"]),
        jwks=checked_jwks(body["jwks"]) if "jwks" in body else None,
    )
    client = service.get_client(made.client_id)
    return Reply({**_client_json(client), "client_secret": made.secret or None}, 201)


@api.route("/v1/clients/<id:client_id>", "GET")
@require_scope("clients:manage")
@api.reply(200, ClientReply, "The client")
@api.problem(404)
def show_client(client_id: str) -> Reply:
    """Show a client."""
    return Reply(_client_json(service.get_client(client_id)))


@api.route("/v1/clients/<id:client_id>", "PATCH")
@require_scope("clients:manage")
@api.body(ClientPatch)
@api.reply(200, ClientReply, "The client as it is now")
@api.problem(404)
@api.problem(409)
@idempotent
def change_client(changes: ClientChanges, client_id: str) -> Reply:
    """Change, disable or enable a client. A disabled one's tokens are dead at the next request."""
    return Reply(_client_json(service.change_client(client_id, changes, caller().actor, now())))


@api.route("/v1/clients/<id:client_id>", "DELETE")
@require_scope("clients:manage")
@api.reply(204, None, "Gone, and its tokens with it")
@api.problem(404)
def delete_client(client_id: str) -> Response:
    """Delete a client. What customers allowed it ends."""
    service.delete_client(client_id, caller().actor, now())
    return Response(status=204)


@api.route("/v1/clients/<id:client_id>/secrets", "POST")
@require_scope("clients:manage")
@api.body(SecretBody)
@api.reply(201, SecretReply, "The new secret, shown this once")
@api.problem(404)
@api.problem(409)
def rotate_secret(body: dict[str, Any], client_id: str) -> Reply:
    """Give a client a new secret. The ones before live on for `overlap_hours`."""
    overlap = timedelta(hours=body["overlap_hours"])
    made = service.rotate_secret(client_id, overlap, caller().actor, now())
    return Reply({"client_id": made.client_id, "client_secret": made.secret}, 201)


@api.route("/v1/customers/<id:customer_id>/grants", "GET")
@require_scope("customers:write", customers=Customers.OWN)
@api.reply(200, GrantList, "Every app that the customer allowed")
@api.problem(404)
def list_grants(customer_id: str) -> Reply:
    """List the apps that a customer allowed, what, since when and until when."""
    found = grant_service.list_grants(parse_customer_id(customer_id))
    return Reply({"items": [_grant_json(*each) for each in found], "next_cursor": None})


@api.route("/v1/customers/<id:customer_id>/grants/<string:client_id>", "DELETE")
@require_scope("customers:write", customers=Customers.OWN)
@api.reply(204, None, "Ended; the app's tokens are dead at the next request")
@api.problem(404)
def end_grant(customer_id: str, client_id: str) -> Response:
    """End what a customer allowed an app."""
    grant_service.end_grant(parse_customer_id(customer_id), client_id, now())
    return Response(status=204)


def _client_json(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "kind": client.kind.value,
        "auth_method": client.auth_method.value,
        "scopes": sorted(client.scopes),
        "recipients": list(client.recipients),
        "redirect_uris": list(client.redirect_uris),
        "jwks": None if client.jwks is None else json.loads(client.jwks),
        "created_at": rfc3339(client.created_at),
        "disabled_at": _time(client.disabled_at),
        "last_used_at": _time(client.last_used_at),
    }


def _grant_json(grant: CustomerGrant, client: Client | None) -> dict[str, Any]:
    return {
        "customer_id": customer_id_text(grant.customer_id),
        "client_id": grant.client_id,
        "name": None if client is None else client.name,
        "scopes": sorted(grant.scopes),
        "allowed_at": rfc3339(grant.allowed_at),
        "expires_at": rfc3339(grant.expires_at),
        "last_used_at": _time(grant.last_used_at),
        "ended_at": _time(grant.ended_at),
    }


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
