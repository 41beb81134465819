"""Is it alive, is it ready to answer."""

from marshmallow import Schema, fields

from consent_service.customers.key_marks import check_keyring
from consent_service.operations.gate import check_replayed
from consent_service.storage.migrated import check_current
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys

api = Routes("health", "Liveness and readiness, for load balancers")


class HealthReply(Schema):
    """`ok`."""

    health = fields.String(required=True)


@api.route("/healthz", "GET")
@api.reply(200, HealthReply, "The process answers")
def show_liveness() -> Reply:
    """The process answers."""
    return Reply({"health": "ok"})


@api.route("/readyz", "GET")
@api.reply(200, HealthReply, "Requests can be served")
def show_readiness() -> Reply:
    """The store answers, its tables are of this release, nothing is left to be replayed into it,
    and the keys are there."""
    check_current()
    check_replayed()
    check_keyring(keys())
    return Reply({"health": "ok"})
