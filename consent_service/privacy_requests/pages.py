"""The page on which a person confirms that a request is theirs."""

from flask import Response

from consent_service.privacy_requests import confirming
from consent_service.privacy_requests.letters import in_words
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import keys, now

pages = Pages("privacy_requests_pages", __name__)

_TEMPLATE = "privacy_requests/confirm.html"


@pages.get("/requests/confirm/<token>")
def show_link(token: str) -> Response:
    """Says what is confirmed, above a button: programs that open the links in mails do not press
    it."""
    found = confirming.look_at_link(token, now())
    if found is None:
        return _gone()
    return render(_TEMPLATE, state="live", what=in_words(found.kind, language()))


@pages.post("/requests/confirm/<token>")
def use_link(token: str) -> Response:
    """Confirms the request, once."""
    if not confirming.use_link(token, now(), keys()):
        return _gone()
    return see_other("/requests/confirmed")


@pages.get("/requests/confirmed")
def show_confirmed() -> Response:
    """Says what happens next."""
    return render(_TEMPLATE, state="confirmed")


def _gone() -> Response:
    return render(_TEMPLATE, 410, state="gone")
