"""Where the link in a confirming mail leads: nobody signs in here, and one thing is shown."""

from flask import Response

from consent_service.consents import confirming
from consent_service.portal import words
from consent_service.portal.cards import card
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import keys, now

pages = Pages("portal_confirm", __name__)

_TEMPLATE = "portal/confirm.html"


@pages.get("/choices/confirm/<token>")
def show_link(token: str) -> Response:
    """Says what is confirmed, above a button: programs that open the links in mails do not press
    it."""
    found = confirming.look_at_link(token, now())
    if found is None:
        return _gone()
    notice = found.catalogue.find_notice(found.purpose.notice, found.event.notice_version or "")
    return render(
        _TEMPLATE,
        state="live",
        card=card(found.purpose, found.catalogue, notice, language()),
        channel=words.channel(found.event.channel, language()),
    )


@pages.post("/choices/confirm/<token>")
def use_link(token: str) -> Response:
    """Makes the yes count, once."""
    if confirming.use_link(token, now(), keys()) is None:
        return _gone()
    return see_other("/choices/confirmed")


@pages.get("/choices/confirmed")
def show_confirmed() -> Response:
    """Says that it counts."""
    return render(_TEMPLATE, state="confirmed")


def _gone() -> Response:
    return render(_TEMPLATE, 410, state="gone")
