"""The preference links API."""

from typing import Any

from consent_service.catalogue.model import Channel
from consent_service.customers import service as customers
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.oauth.guard import caller, require_scope
from consent_service.preference_links import service
from consent_service.preference_links.model import PREFERENCES, UNSUBSCRIBE, Links, Mailing
from consent_service.preference_links.schemas import LinksListReply, MailingsBody
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys, now, runtime
from consent_service.web.throttling import ClientBudget, admit_client

api = Routes("preference_links", "Links in mails: choices, and one-click unsubscribe")


@api.route("/v1/preference-links", "POST")
@require_scope("consents:write")
@api.body(MailingsBody)
@api.reply(201, LinksListReply, "The links, and the headers for the mail")
@api.problem(404)
def make_links(body: dict[str, Any]) -> Reply:
    """Make the links of a mail, or of up to 1,000: to the choices, and to unsubscribe."""
    admit_client(caller().client_id, ClientBudget.WRITES)
    bodies = body.get("mailings", [body])
    pointers = [f"/mailings/{at}" if "mailings" in body else "" for at in range(len(bodies))]
    found = service.make_links(_mailings(bodies), pointers, now(), keys())
    made = [_json(links) for links in found]
    return Reply({"results": made} if "mailings" in body else made[0], 201)


def _mailings(bodies: list[dict[str, Any]]) -> list[Mailing]:
    identifiers = [body["identifier"] for body in bodies if "identifier" in body]
    owners = customers.find_owners(identifiers, keys())
    if any(identifier not in owners for identifier in identifiers):
        raise NotFound()
    return [_mailing(b, b.get("customer_id") or owners[b["identifier"]]) for b in bodies]


def _mailing(body: dict[str, Any], customer_id: CustomerId) -> Mailing:
    channel = body.get("channel")
    return Mailing(customer_id, body["purpose"], None if channel is None else Channel(channel))


def _json(links: Links) -> dict[str, Any]:
    base = runtime().settings.base_url
    unsubscribe = f"{base}{UNSUBSCRIBE}/{links.unsubscribe}"
    return {
        "preference_url": f"{base}{PREFERENCES}/{links.preferences}",
        "preference_expires_at": rfc3339(links.preferences_until),
        "unsubscribe_url": unsubscribe,
        "headers": {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }
