"""The disclosures API: a list over the log."""

from typing import Any

from consent_service.customers import service as customers
from consent_service.disclosures.schemas import (
    KINDS,
    DisclosureList,
    DisclosuresQuery,
    OwnQuery,
)
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, customer_id_text, encode, parse_customer_id
from consent_service.ledger import proofs
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.oauth.guard import Customers, require_scope
from consent_service.web.api import Reply, Routes

api = Routes("disclosures", "Disclosures: who asked, who used, and why")

_PREFIX = {EntryKind.DECISION: "dec", EntryKind.SCREENING: "scr", EntryKind.DISCLOSURE: "dis"}


@api.route("/v1/disclosures", "GET")
@require_scope("disclosures:read")
@api.query(DisclosuresQuery)
@api.reply(200, DisclosureList, "A page of entries")
def list_disclosures(query: dict[str, Any]) -> Reply:
    """Checks, screenings and uses, oldest first, by any filter."""
    customer_id = query.get("customer_id")
    wanted = EntryFilter(
        None if customer_id is None else customers.resolve(customer_id),
        _kinds(query.get("kind")),
        query.get("purpose"),
        query.get("recipient"),
        query.get("outcome"),
        query.get("touchpoint"),
        query.get("from_"),
        query.get("to"),
    )
    return _page(wanted, query)


@api.route("/v1/customers/<id:customer_id>/disclosures", "GET")
@require_scope("disclosures:read", customers=Customers.OWN)
@api.query(OwnQuery)
@api.reply(200, DisclosureList, "A page of entries")
@api.problem(404)
def list_customer_disclosures(query: dict[str, Any], customer_id: str) -> Reply:
    """Who asked about one customer, who used their data."""
    found = customers.get_record(parse_customer_id(customer_id)).id
    return _page(EntryFilter(found, _kinds(query.get("kind"))), query)


def _kinds(kind: str | None) -> frozenset[EntryKind]:
    return frozenset(EntryKind(name) for name in (KINDS if kind is None else (kind,)))


def _page(wanted: EntryFilter, query: dict[str, Any]) -> Reply:
    page = ledger.list_entries(wanted, query.get("cursor"), query["limit"])
    leaves = proofs.find_indexes(entry.id for entry in page.items)
    items = [_item_json(entry, leaves.get(entry.id)) for entry in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


def _item_json(entry: Entry, leaf_index: int | None) -> dict[str, Any]:
    return {
        "id": encode(_PREFIX[entry.kind], entry.place, entry.id),
        "kind": entry.kind.value,
        "customer_id": customer_id_text(CustomerId(entry.place)) if entry.known else None,
        "client_id": entry.client_id,
        "purpose": entry.purpose,
        "channel": entry.channel,
        "data_categories": list(entry.data_categories),
        "recipient": entry.recipient,
        "touchpoint": entry.touchpoint,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "catalogue_version": entry.catalogue_version,
        "occurred_at": rfc3339(entry.occurred_at),
        "recorded_at": rfc3339(entry.recorded_at),
        "leaf_index": leaf_index,
    }
