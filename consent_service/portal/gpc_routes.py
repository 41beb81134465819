"""What tells browsers that Global Privacy Control is honoured here."""

from marshmallow import Schema, fields

from consent_service.web.api import Reply, Routes

api = Routes("global_privacy_control", "Whether Global Privacy Control is honoured")

_SINCE = "2026-11-22"


class GpcReply(Schema):
    """That it is, and since when this says so."""

    gpc = fields.Boolean(required=True)
    lastUpdate = fields.Date(required=True)  # noqa: N815  # the standard's name


@api.route("/.well-known/gpc.json", "GET")
@api.reply(200, GpcReply, "It is honoured")
def show_gpc() -> Reply:
    """Say that the signal is taken as an opt-out. Source: W3C, Global Privacy Control."""
    return Reply({"gpc": True, "lastUpdate": _SINCE})
