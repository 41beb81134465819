"""What the preference widget asks for from other sites: those that the catalogue names.

No token and no cookie: the browser says which site it is on, and a browser does not lie about that.
"""

from datetime import timedelta
from typing import Any

from flask import Response, g, request

from consent_service.catalogue import service as catalogues
from consent_service.customers import service as customers
from consent_service.kernel.errors import Forbidden
from consent_service.portal import gpc, widget, words
from consent_service.portal.cards import card
from consent_service.portal.choices import reference
from consent_service.portal.model import Ask
from consent_service.portal.widget import Answered, Seen, Site
from consent_service.portal.widget_schemas import (
    ChoicesBody,
    LookBody,
    TieBody,
    TieReply,
    WidgetReply,
)
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys, now, runtime
from consent_service.web.texts import ENGLISH, Language, language_for, say
from consent_service.web.throttling import Budget, admit_address

api = Routes("preference_widget", "The preference widget on other sites")

_LOOKS = Budget("widget.looks", 300, timedelta(minutes=1))
_CHOICES = Budget("widget.choices", 60, timedelta(minutes=1))
_MOST = 8 * 1024
_ANSWERS = {"yes": True, "no": False}


class UnknownSite(Forbidden):
    """The catalogue names no touchpoint at that origin."""

    code = "unknown_site"
    detail = "The widget may not be shown on this site: the catalogue does not name it."


@api.route("/v1/widget/look", "POST", max_body=_MOST)
@api.body(LookBody)
@api.reply(200, WidgetReply, "The purpose, and what holds")
@api.problem(403)
@api.problem(429)
def look(body: dict[str, Any]) -> Reply:
    """Show a purpose, and what a device has answered to it."""
    _site()
    admit_address(_LOOKS)
    seen = widget.look_from(body["purpose"], body.get("device"), now(), keys())
    return Reply(_json(seen, body["language"]))


@api.route("/v1/widget/choices", "POST", max_body=_MOST)
@api.body(ChoicesBody)
@api.reply(200, WidgetReply, "Recorded; what holds now")
@api.problem(403)
@api.problem(409)
@api.problem(429)
def choose(body: dict[str, Any]) -> Reply:
    """Record what somebody answered who has not signed in."""
    site = _site()
    admit_address(_CHOICES)
    purpose = body["purpose"]
    answers = {
        purpose if each["channel"] is None else f"{purpose}/{each['channel']}": _ANSWERS[
            each["answer"]
        ]
        for each in body["answers"]
    }
    spoken = _language(body["language"]).code
    said = Answered(purpose, answers, body["notice_version"], spoken)
    seen = widget.answer(body["device"], said, site, now(), keys())
    if gpc.is_sent():
        gpc.record(customers.get_by_identifier(body["device"], keys()))
    return Reply(_json(seen, body["language"]))


@api.route("/v1/widget/ties", "POST", max_body=_MOST)
@api.body(TieBody)
@api.reply(200, TieReply, "Where to sign in")
@api.problem(403)
@api.problem(404)
@api.problem(429)
def tie(body: dict[str, Any]) -> Reply:
    """Make the address at which somebody signs in to keep a device's choices."""
    _site()
    admit_address(_CHOICES)
    token = widget.make_tie(body["device"], now(), keys())
    return Reply({"url": f"{runtime().settings.base_url}/devices/{token}"})


def _find_site() -> None:
    """Before all else, also before a browser's question whether it may ask."""
    origin = request.headers.get("Origin", "")
    touchpoint = catalogues.current().touchpoint_at(origin)
    g.widget_site = None if touchpoint is None else Site(origin, touchpoint)


def _allow_site(response: Response) -> Response:
    """Lets a site that is named read the answer; any other is told nothing."""
    response.headers.add("Vary", "Origin")
    site: Site | None = g.get("widget_site")
    if site is not None:
        response.headers["Access-Control-Allow-Origin"] = site.origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Max-Age"] = "600"
    return response


api.before_request(_find_site)
api.after_request(_allow_site)


def _site() -> Site:
    found: Site | None = g.widget_site
    if found is None:
        raise UnknownSite()
    return found


def _language(code: str) -> Language:
    return language_for(code) or ENGLISH


def _json(seen: Seen, code: str) -> dict[str, Any]:
    spoken, first = _language(code), seen.uses[0]
    shown = card(first.purpose, seen.picture.catalogue, first.notice, spoken, seen.uses)
    marks = {True: "yes", False: "no", None: None}
    return {
        "purpose": first.purpose.key,
        "language": shown.language.code,
        "direction": shown.language.direction,
        "title": shown.text.title,
        "description": shown.text.description,
        "benefit": shown.text.benefit,
        "notice": shown.notice,
        "notice_language": shown.notice_language.code,
        "notice_version": first.version,
        "uses": [
            {
                "channel": use.channel,
                "label": words.channel(use.channel, spoken),
                "answer": marks[use.answer],
                "state": words.state(use, spoken),
                "asked": use.ask is not Ask.NOTHING,
            }
            for use in seen.uses
        ],
        "gpc": gpc.is_sent() and first.purpose.sale_or_targeted_advertising,
        "anonymous": seen.anonymous,
        "sign_in": seen.sign_in,
        "reference": None if seen.event is None else reference(seen.event),
        "words": _words(spoken, objection=first.ask is Ask.OBJECTION),
    }


def _words(spoken: Language, *, objection: bool) -> dict[str, str]:
    """Every word that the widget itself says."""
    return {
        "yes": say(spoken, "Go on") if objection else say(spoken, "Yes"),
        "no": say(spoken, "I object") if objection else say(spoken, "No"),
        "your_answer": say(spoken, "Your answer"),
        "all": say(spoken, "All about it"),
        "save": say(spoken, "Save my choice"),
        "saved": say(spoken, "Saved. It counts from the very next check."),
        "choose": say(spoken, "Choose yes or no first."),
        "failed": say(spoken, "It could not be saved. Try again in a moment."),
        "changed": say(spoken, "The text has changed meanwhile. Read it, and choose again."),
        "sign_in": say(
            spoken, "This browser belongs to somebody who signs in here. To say yes, sign in."
        ),
        "gpc": say(spoken, "Your browser asks not to sell or share your data."),
        "keep": say(spoken, "Sign in to keep this choice everywhere"),
    }
