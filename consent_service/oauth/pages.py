"""Where a customer answers an app: `/oauth/authorize`. Not part of the JSON API.

Until client and redirect address are known to belong together, whatever is wrong is said here
and leads nowhere. Source: RFC 6749, section 4.1; RFC 7636; RFC 9207; RFC 9700, section 2.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from authlib.common.urls import add_params_to_uri
from flask import Response, current_app, redirect, request

from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.oauth import grant_service, service
from consent_service.oauth.grant_model import GRANT_LIFETIME, is_challenge
from consent_service.oauth.model import Client, ClientKind, Scope, origin_of
from consent_service.web.pages import Pages, language, render
from consent_service.web.runtime import now, runtime
from consent_service.web.texts import say

pages = Pages("oauth_pages", __name__)

# Handed over by `app.py`: who is signed in, where one signs in, and a customer held in place.
SIGNED_IN = "consent.signed_in_customer"
SIGN_IN_PATH = "consent.sign_in_path"
LOCK_CUSTOMER = "consent.lock_customer"

_ONCE = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
)


class SignedInCustomer(Protocol):
    """Who is signed in, in the browser that makes the present request."""

    def __call__(self) -> CustomerId | None:
        """The customer, or None."""
        ...


class SignInPath(Protocol):
    """Where a customer signs in."""

    def __call__(self, return_to: str) -> str:
        """A path of ours that leads back to the path `return_to` afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks a customer for. `fault` is the error to answer with, if any."""

    client: Client
    redirect_uri: str
    state: str | None
    scopes: frozenset[str]
    code_challenge: str
    fault: str | None


@pages.get("/oauth/authorize")
def ask_customer() -> Response:
    """The page that asks, for whoever is signed in."""
    return _with_customer(lambda asked, customer: _page(asked))


@pages.post("/oauth/authorize")
def take_answer() -> Response:
    """Takes the answer and leads back to the app. A yes is the word `allow` and nothing else."""
    return _with_customer(_answer)


def _with_customer(act: Callable[[Asked, CustomerId], Response]) -> Response:
    asked = _read()
    if asked is None:
        return render("refused.html", 400)
    if asked.fault is not None:
        return _back(asked, {"error": asked.fault})
    signed_in: SignedInCustomer = current_app.extensions[SIGNED_IN]
    customer = signed_in()
    if customer is None:
        sign_in: SignInPath = current_app.extensions[SIGN_IN_PATH]
        return _redirect(sign_in(request.full_path))
    return act(asked, customer)


def _answer(asked: Asked, customer: CustomerId) -> Response:
    if request.form.get("answer") != "allow":
        return _back(asked, {"error": "access_denied"})
    try:
        code = grant_service.allow(
            asked.client.id,
            customer,
            asked.redirect_uri,
            asked.scopes,
            asked.code_challenge,
            current_app.extensions[LOCK_CUSTOMER],
            now(),
        )
    except NotFound:
        return _back(asked, {"error": "access_denied"})
    return _back(asked, {"code": code})


def _read() -> Asked | None:
    """What is asked for; None when it may not lead back to where it says."""
    given = request.args
    repeated = {name for name in _ONCE if len(given.getlist(name)) > 1}
    if repeated & {"client_id", "redirect_uri"}:
        return None
    client = service.find_client(given.get("client_id", ""))
    redirect_uri = given.get("redirect_uri", "")
    if client is None or client.disabled_at is not None or client.kind is not ClientKind.APP:
        return None
    if redirect_uri not in client.redirect_uris:
        return None
    scopes = frozenset(given.get("scope", "").split()) or client.scopes
    return Asked(
        client,
        redirect_uri,
        given.get("state") if "state" not in repeated else None,
        scopes,
        given.get("code_challenge", ""),
        "invalid_request" if repeated else _fault(scopes <= client.scopes),
    )


def _fault(scopes_are_known: bool) -> str | None:
    given = request.args
    if "request" in given or "request_uri" in given:
        return "invalid_request"
    if "response_type" not in given or given.get("response_mode", "query") != "query":
        return "invalid_request"
    if given["response_type"] != "code":
        return "unsupported_response_type"
    if given.get("code_challenge_method") != "S256":
        return "invalid_request"
    if not is_challenge(given.get("code_challenge", "")):
        return "invalid_request"
    return None if scopes_are_known else "invalid_scope"


def _page(asked: Asked) -> Response:
    origin = origin_of(asked.redirect_uri)
    return render(
        "authorize.html",
        form_targets=[origin],
        name=asked.client.name,
        may=[in_words(scope) for scope in sorted(asked.scopes)],
        days=GRANT_LIFETIME.days,
        site=origin,
        action=request.full_path,
    )


def in_words(scope: str) -> str:
    """What a scope lets an app do."""
    spoken = language()
    words = {
        Scope.CATALOGUE_READ: say(spoken, "see what data is used for in general"),
        Scope.CUSTOMERS_READ: say(
            spoken, "see your profile and your addresses and numbers on file"
        ),
        Scope.CUSTOMERS_WRITE: say(
            spoken, "change your profile and language, see and end what you allowed apps"
        ),
        Scope.CONSENTS_READ: say(spoken, "see what you agreed to and refused, and the receipts"),
        Scope.CONSENTS_WRITE: say(spoken, "agree, refuse and withdraw in your name"),
        Scope.DECISIONS_CHECK: say(spoken, "ask whether your data may be used for a purpose"),
        Scope.DISCLOSURES_READ: say(spoken, "see who asked about you and who used your data"),
        Scope.REQUESTS_READ: say(spoken, "see your requests about your data, and their answers"),
        Scope.REQUESTS_WRITE: say(
            spoken, "ask in your name for your data, its correction or its erasure"
        ),
        Scope.PACKAGES_READ: say(
            spoken, "fetch the copy of your data that you asked for, soon after you signed in"
        ),
    }
    return words[Scope(scope)]


def _back(asked: Asked, answer: dict[str, str]) -> Response:
    """Leads back to the app, which is told who answers (RFC 9207)."""
    params = dict(answer)
    if asked.state is not None:
        params["state"] = asked.state
    params["iss"] = runtime().settings.base_url
    return _redirect(add_params_to_uri(asked.redirect_uri, list(params.items())))


def _redirect(to: str) -> Response:
    made = redirect(to, 303)
    made.set_data(b"")  # the address holds a code: it stands in the header alone
    made.headers["Cache-Control"] = "no-store"
    assert isinstance(made, Response)
    return made
