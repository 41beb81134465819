"""The one question after a first choice or a request: how easy was this? Nobody has to answer,
and whose an answer is is kept nowhere."""

from flask import Response, request

from consent_service.accounts import sessions, signed_in
from consent_service.effort_scores import service
from consent_service.effort_scores.model import About
from consent_service.kernel.errors import NotFound
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.pages import Pages, render, see_other
from consent_service.web.runtime import now

pages = Pages("portal_effort", __name__)


def may_ask() -> bool:
    """Whether to ask on this page: once a session."""
    found = signed_in.session()
    return found is not None and sessions.begin_asking(found)


@pages.post("/effort")
@signed_in.require_customer
def send_score() -> Response:
    """Counts an answer, the first to a question that was asked."""
    found = signed_in.session()
    assert found is not None  # the guard saw it
    about, given = request.form.get("about", ""), request.form.get("score", "")
    if about not in set(About) or not (given.isascii() and given.isdigit()):
        raise NotFound()
    with unit_of_work():
        if sessions.end_asking(found):
            service.record_score(About(about), int(given[:3]), now())
    return see_other("/effort/thanks")


@pages.get("/effort/thanks")
@signed_in.require_customer
def show_thanks() -> Response:
    """Thanks."""
    return render("portal/thanks.html")
