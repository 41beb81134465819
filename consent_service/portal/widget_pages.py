"""The widget's script, and the page where its choices become those of somebody who signs in."""

import hashlib
from pathlib import Path

from flask import Response, request

from consent_service.accounts import signed_in
from consent_service.portal import widget, words
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import keys, now

pages = Pages("portal_widget", __name__)

SCRIPT = (Path(__file__).parent / "static/widget.js").read_bytes()
_TEMPLATE = "portal/device.html"


@pages.get("/widget.js")
def show_script() -> Response:
    """The one file that a site loads. It is the same for everybody, and knows nobody."""
    response = Response(SCRIPT, mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(hashlib.sha256(SCRIPT).hexdigest()[:32])
    made = response.make_conditional(request)
    assert isinstance(made, Response)
    return made


@pages.get("/devices/<token>")
@signed_in.require_customer
def show_device(token: str) -> Response:
    """What was answered in this browser, and a button."""
    picture = widget.find_tie(token, signed_in.get_customer(), now(), keys())
    if picture is None:
        return render(_TEMPLATE, 410, state="gone")
    spoken = language()
    return render(
        _TEMPLATE,
        state="live",
        answers=[
            (
                words.purpose_text(use.purpose, picture.catalogue, spoken).title,
                words.channel(use.channel, spoken),
                words.state(use, spoken),
            )
            for use in picture.uses
            if use.record is not None
        ],
    )


@pages.post("/devices/<token>")
@signed_in.require_customer
def tie_device(token: str) -> Response:
    """Makes them the customer's."""
    if not widget.tie(token, signed_in.get_customer(), now(), keys()):
        return render(_TEMPLATE, 410, state="gone")
    return see_other("/devices/tied")


@pages.get("/devices/tied")
@signed_in.require_customer
def show_tied() -> Response:
    """Says what came of it."""
    return render(_TEMPLATE, state="tied")
