"""Where the links in mails lead: nobody signs in here, and nobody can say yes.

Opening a page changes nothing: programs that read mails open links too. Whether a link is of
somebody is told to nobody.
"""

from datetime import timedelta

from flask import Response, request

from consent_service.portal import cards, links, words
from consent_service.preference_links.model import PREFERENCES, UNSUBSCRIBE
from consent_service.web.pages import Pages, from_anywhere, language, render, see_other
from consent_service.web.runtime import keys, now
from consent_service.web.throttling import Budget, admit_address

pages = Pages("portal_links", __name__)

# A mailbox provider sends the presses of all its customers from a few addresses.
_PRESSES = Budget("links.unsubscribe", 6_000, timedelta(minutes=1))
_VISITS = Budget("links.preferences", 60, timedelta(minutes=1))


@pages.get(f"{UNSUBSCRIBE}/<token>")
def show_unsubscribe(token: str) -> Response:
    """A button; or, in the language that was chosen after it was pressed, that it was."""
    return render("portal/unsubscribe.html", done=request.args.get("done") == "1")


@pages.post(f"{UNSUBSCRIBE}/<token>")
@from_anywhere
def unsubscribe(token: str) -> Response:
    """Withdraws at once, whoever presses. Source: RFC 8058, section 3.2: no cookie, no redirect."""
    admit_address(_PRESSES)
    links.unsubscribe(token, now(), keys())
    return render("portal/unsubscribe.html", done=True, here=f"{request.path}?done=1")


@pages.get(f"{PREFERENCES}/<token>")
def show_preferences(token: str) -> Response:
    """What holds, and a no for each."""
    admit_address(_VISITS)
    picture = links.look_by_link(token, now(), keys())
    if picture is None:
        return _gone()
    spoken = language()
    found = links.refusable(picture)
    return render(
        "portal/preferences.html",
        cards=cards.cards(found, picture.catalogue, spoken),
        open=any(use.answer is not False for use in found),
        state_of=lambda use: words.state(use, spoken),
        channel_of=lambda use: words.channel(use.channel, spoken),
        done=request.args.get("done") == "1",
    )


@pages.post(f"{PREFERENCES}/<token>")
def save_preferences(token: str) -> Response:
    """Records the noes."""
    admit_address(_VISITS)
    names = None if request.form.get("all") == "refuse" else set(request.form.getlist("no"))
    if not links.refuse_by_link(token, names, language().code, now(), keys()):
        return _gone()
    return see_other(f"{PREFERENCES}/{token}?done=1")


def _gone() -> Response:
    return render("portal/preferences.html", 410, cards=None)
