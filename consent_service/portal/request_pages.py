"""What one can ask for: a copy, erasure, a stop; and what became of it."""

from datetime import datetime

from flask import Response, request

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import LegalBasis
from consent_service.effort_scores.model import About
from consent_service.kernel.errors import NotFound
from consent_service.packages import service as packages
from consent_service.packages.model import KEPT
from consent_service.packages.sending import respond
from consent_service.portal import asking, effort_pages, progress, words
from consent_service.portal.navigation import DATA, REQUESTS
from consent_service.privacy_requests.carrying_out import grace_until
from consent_service.privacy_requests.letters import in_words
from consent_service.privacy_requests.model import (
    BEFORE_RUNNING,
    OPEN,
    Request,
    RequestKind,
    RequestState,
    StepKind,
    is_overdue,
    request_id_text,
)
from consent_service.web.pages import Pages, language, render, see_other
from consent_service.web.runtime import now
from consent_service.web.texts import Language, say

pages = Pages("portal_requests", __name__)

_COPIES = {"access": RequestKind.ACCESS, "portability": RequestKind.PORTABILITY}
_STOPS = {"restriction": RequestKind.RESTRICTION, "objection": RequestKind.OBJECTION}
_KEPT_BY_LAW = (LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION)


@pages.get(f"{DATA}/download")
@signed_in.require_customer
def show_download() -> Response:
    """What a copy has in it, and asking for one."""
    return render(
        "portal/download.html",
        fresh=asking.is_signed_in_afresh(),
        kinds=[(name, in_words(kind, language())) for name, kind in _COPIES.items()],
        open=[_summary(each) for each in asking.list_open(*_COPIES.values())],
        kept=words.days(KEPT.days, language()),
    )


@pages.post(f"{DATA}/download")
@signed_in.require_fresh
def ask_for_copy() -> Response:
    """Hands in the request for a copy."""
    return _ask(_COPIES)


@pages.get(f"{DATA}/delete")
@signed_in.require_customer
def show_delete() -> Response:
    """What goes, what is kept and why, and asking for it."""
    spoken, catalogue = language(), catalogues.current()
    found = asking.list_open(RequestKind.ERASURE)
    grace = catalogue.erasure_grace_days
    proof = max((p.proof_retention_days for p in catalogue.purposes.values()), default=0)
    return render(
        "portal/delete.html",
        fresh=asking.is_signed_in_afresh(),
        open=_summary(found[0]) if found else None,
        proof=words.days(proof, spoken) if proof else None,
        grace=words.days(grace, spoken) if grace else None,
        kept=[
            (words.purpose_text(p, catalogue, spoken).title, words.days(p.retention_days, spoken))
            for p in catalogue.purposes.values()
            if p.legal_basis in _KEPT_BY_LAW
        ],
    )


@pages.post(f"{DATA}/delete")
@signed_in.require_fresh
def ask_for_erasure() -> Response:
    """Hands in the request for erasure."""
    return _ask({"erasure": RequestKind.ERASURE})


@pages.get(REQUESTS)
@signed_in.require_customer
def show_requests() -> Response:
    """Every request, with when it is due."""
    return render(
        "portal/requests.html",
        requests=[_summary(each) for each in asking.list_own()],
        stops=[(name, in_words(kind, language())) for name, kind in _STOPS.items()],
    )


@pages.post(REQUESTS)
@signed_in.require_customer
def ask_for_stop() -> Response:
    """Hands in a request that needs no more than a word."""
    return _ask(_STOPS)


@pages.get(f"{REQUESTS}/<request_id>")
@signed_in.require_customer
def show_request(request_id: str) -> Response:
    """One request, step by step."""
    opened = asking.get_own(request_id)
    package = packages.find_package(opened.request)
    new = request.args.get("new") == "1"
    return render(
        "portal/request.html",
        package=package,
        fresh=asking.is_signed_in_afresh(),
        it=_summary(opened.request),
        note=opened.note,
        cancel_by=_cancel_by(opened.request),
        steps=[(_step(step.kind, language()), step.at, reason) for step, reason in opened.steps],
        recipients=progress.list_progress(opened.request.id, language(), now()),
        new=new,
        effort=About.REQUEST if new and effort_pages.may_ask() else None,
    )


@pages.post(f"{REQUESTS}/<request_id>")
@signed_in.require_fresh
def fetch_package(request_id: str) -> Response:
    """The package that a request brought, once."""
    return respond(asking.get_own(request_id).request, asking.actor())


@pages.post(f"{REQUESTS}/<request_id>/cancel")
@signed_in.require_customer
def cancel_request(request_id: str) -> Response:
    """Ends a request that is no longer wanted."""
    asking.cancel(request_id)
    return see_other(f"{REQUESTS}/{request_id}")


def _ask(kinds: dict[str, RequestKind]) -> Response:
    kind = kinds.get(request.form.get("kind", ""))
    if kind is None:
        raise NotFound()
    made = asking.ask(kind)
    return see_other(f"{REQUESTS}/{request_id_text(made.id)}?new=1")


def _summary(of: Request) -> dict[str, object]:
    spoken = language()
    return {
        "id": request_id_text(of.id),
        "kind": of.kind,
        "what": in_words(of.kind, spoken),
        "state": of.state,
        "stands": _stands(of, spoken),
        "received_at": of.received_at,
        "due_at": of.due_at,
        "is_open": of.state in OPEN,
        "overdue": is_overdue(of, now()),
        "may_cancel": of.state in BEFORE_RUNNING,
        "lift_at": of.lift_at,
    }


def _cancel_by(of: Request) -> datetime | None:
    """Until when an approved erasure can be cancelled, where it waits for that."""
    if of.kind is not RequestKind.ERASURE or of.state is not RequestState.APPROVED:
        return None
    until = grace_until(of)
    return until if until > now() else None


def _stands(of: Request, spoken: Language) -> str:
    """Where a request stands, and who has to act."""
    states = {
        RequestState.RECEIVED: say(spoken, "Waiting for you to open the link in our mail"),
        RequestState.CONFIRMED: say(spoken, "Our staff are looking at it"),
        RequestState.APPROVED: say(spoken, "Approved, about to be carried out"),
        RequestState.REJECTED: say(spoken, "Not granted"),
        RequestState.EXTENDED: say(spoken, "Takes longer; our staff are looking at it"),
        RequestState.RUNNING: say(spoken, "Being carried out"),
        RequestState.DONE: say(spoken, "Done"),
        RequestState.FAILED: say(spoken, "Not everything could be done"),
        RequestState.CANCELLED: say(spoken, "Cancelled"),
    }
    return states[of.state]


def _step(kind: StepKind, spoken: Language) -> str:
    """What happened in a step."""
    steps = {
        StepKind.RECEIVED: say(spoken, "We received it"),
        StepKind.CONFIRMED: say(spoken, "It was confirmed that it is you"),
        StepKind.APPROVED: say(spoken, "Our staff approved it"),
        StepKind.REJECTED: say(spoken, "Our staff did not grant it"),
        StepKind.EXTENDED: say(spoken, "Our staff need more time"),
        StepKind.RUNNING: say(spoken, "We began to carry it out"),
        StepKind.DONE: say(spoken, "It was done"),
        StepKind.FAILED: say(spoken, "Something was left over"),
        StepKind.CANCELLED: say(spoken, "It was cancelled"),
        StepKind.HELD: say(spoken, "It was put on hold"),
        StepKind.RELEASED: say(spoken, "It went on"),
        StepKind.LIFT_ANNOUNCED: say(spoken, "We told you that the stop ends"),
        StepKind.LIFT_CANCELLED: say(spoken, "The stop stays after all"),
        StepKind.LIFTED: say(spoken, "The stop has ended"),
    }
    return steps[kind]
