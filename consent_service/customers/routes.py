"""The customers API. Personal values stand in bodies, never in an address."""

import re
from typing import Any

from flask import request

from consent_service.customers import service
from consent_service.customers.model import Changes, Customer, NewCustomer
from consent_service.customers.schemas import (
    CustomerBody,
    CustomerIdReply,
    CustomerPatch,
    CustomerReply,
    LookupBody,
)
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, PreconditionRequired
from consent_service.kernel.ids import customer_id_text, parse_customer_id
from consent_service.oauth.guard import Customers, caller, require_scope
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("customers", "Customers: identifiers, profile, look-up")


@api.route("/v1/customers", "POST")
@require_scope("customers:write")
@api.body(CustomerBody)
@api.reply(201, CustomerIdReply, "Added")
@api.problem(409)
@idempotent
def add_customer(new: NewCustomer) -> Reply:
    """Add a customer. An identifier that somebody has already is a 409 that says whose."""
    customer_id = service.create_customer(new, now(), keys(), caller().actor)
    return Reply({"id": customer_id_text(customer_id)}, 201, customer=customer_id)


@api.route("/v1/customers/lookup", "POST")
@require_scope("customers:read")
@api.body(LookupBody)
@api.reply(200, CustomerIdReply, "Found")
@api.problem(404)
def find_customer(body: dict[str, Any]) -> Reply:
    """Find a customer by an identifier."""
    customer_id = service.get_by_identifier(body["identifier"], keys())
    return Reply({"id": customer_id_text(customer_id)})


@api.route("/v1/customers/<id:customer_id>", "GET")
@require_scope("customers:read", customers=Customers.OWN)
@api.reply(200, CustomerReply, "The customer; ETag is the revision")
@api.problem(404)
def show_customer(customer_id: str) -> Reply:
    """Show a customer."""
    customer = service.get_customer(parse_customer_id(customer_id), keys())
    return Reply(_customer_json(customer), headers={"ETag": f'"{customer.revision}"'})


@api.route("/v1/customers/<id:customer_id>", "PATCH")
@require_scope("customers:write", customers=Customers.OWN)
@api.body(CustomerPatch)
@api.reply(200, CustomerReply, "The customer as it is now")
@api.problem(404)
@api.problem(409)
@api.problem(412)
@api.problem(428)
@idempotent
def change_customer(changes: Changes, customer_id: str) -> Reply:
    """Change a customer whom nobody has changed since it was read (If-Match).

    An empty change leaves the revision as it is. `If-Match: *` is refused: it would undo what
    others changed.
    """
    found = parse_customer_id(customer_id)
    service.change_customer(found, changes, _expected_revision(), now(), keys(), caller().actor)
    customer = service.get_customer(found, keys())
    return Reply(
        _customer_json(customer), headers={"ETag": f'"{customer.revision}"'}, customer=customer.id
    )


def _expected_revision() -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired()
    matched = re.fullmatch(r'"(\d{1,9})"', given.strip())
    if matched is None:
        detail = 'If-Match is one revision as it was read, in its quotes, such as "7"; never *.'
        raise Invalid.at("", "invalid_if_match", detail)
    return int(matched[1])


def _customer_json(customer: Customer) -> dict[str, Any]:
    facts = customer.facts
    return {
        "id": customer_id_text(customer.id),
        "revision": customer.revision,
        "created_at": rfc3339(customer.created_at),
        "jurisdiction": facts.jurisdiction,
        "language": customer.language,
        "age_band": facts.age_band,
        "restricted": facts.restricted,
        "gpc_since": None if facts.gpc_since is None else rfc3339(facts.gpc_since),
        "identifiers": [
            {"type": i.type.value, "value": i.given, "source": i.source}
            for i in customer.identifiers
        ],
        "profile": {
            name: {"value": v.value, "source": v.source} for name, v in customer.profile.items()
        },
    }
