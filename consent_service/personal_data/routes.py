"""Merging customers."""

from typing import Any

from consent_service.customers import service as customers
from consent_service.kernel.ids import customer_id_text, parse_customer_id
from consent_service.oauth.guard import caller, require_scope
from consent_service.personal_data import service
from consent_service.personal_data.schemas import MergeBody, MergeReply
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.runtime import keys, now

api = Routes("merge", "Customers who are one person")


@api.route("/v1/customers/<id:customer_id>/merge", "POST")
@require_scope("customers:write")
@api.body(MergeBody)
@api.reply(200, MergeReply, "Merged; the other id leads here")
@api.problem(404)
@api.problem(409)
@idempotent
def merge_customers(body: dict[str, Any], customer_id: str) -> Reply:
    """Merge another customer into this one. A no on either side wins."""
    kept = service.merge(
        parse_customer_id(customer_id), body["duplicate_id"], caller().actor, now(), keys()
    )
    revision = customers.get_record(kept).revision
    return Reply({"id": customer_id_text(kept), "revision": revision}, customer=kept)
