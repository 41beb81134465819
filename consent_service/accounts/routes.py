"""Customers' pages: sign in, sign out, where one is signed in."""

from flask import Response, request

from consent_service.accounts import limits, service, sessions, signed_in
from consent_service.accounts.model import LinkState, browser_of, is_fresh
from consent_service.accounts.service import Asked
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType
from consent_service.kernel.errors import TooMany
from consent_service.kernel.ids import CustomerId, customer_id_text
from consent_service.web import cookies
from consent_service.web.forms import browser
from consent_service.web.pages import Pages, language, render, safe_path, see_other
from consent_service.web.runtime import keys, now
from consent_service.web.texts import say

pages = Pages("accounts", __name__)


@pages.get("/")
def start() -> Response:
    """Leads to the customer's own pages."""
    return see_other(signed_in.home())


@pages.get("/sign-in")
def show_sign_in() -> Response:
    """Asks for the address; of somebody who is signed in, only that it is still them."""
    found = signed_in.session()
    if found is not None and found.customer_id is not None and is_fresh(found, now()):
        return see_other(_next())
    return _form()


@pages.post("/sign-in")
def ask_for_link() -> Response:
    """Has a link sent. The answer is the same whoever is asked for."""
    given = request.form.get("email", "").strip()
    known = signed_in.customer() if not given else None
    address = None if known else service.read_address(given)
    if address is None and known is None:
        text = say(language(), "Write your e-mail address, such as name@example.org.")
        return _form(422, {"email": text}, given)
    try:
        limits.admit_link_request(address or str(known))
    except TooMany as error:
        text = say(language(), "You asked too often. Wait a few minutes, then try again.")
        response = _form(429, {"": text}, given)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    asked = Asked(address, known, language().code, _next())
    service.request_link(asked, browser(), now(), keys())
    return see_other("/sign-in/sent")


@pages.get("/sign-in/sent")
def show_sent() -> Response:
    """Says what happens next."""
    return render("accounts/sent.html")


@pages.get("/sign-in/link/<token>")
def show_link(token: str) -> Response:
    """A button: programs that open the links in mails do not press it."""
    state = service.look_at_link(token, cookies.secret() or "", now())
    return _link_page(state)


@pages.post("/sign-in/link/<token>")
def use_link(token: str) -> Response:
    """Signs in, once."""
    moment, knows = now(), browser()
    kind = browser_of(request.headers.get("User-Agent", ""))
    previous = cookies.secret()
    done = service.use_link(token, knows, kind, previous, moment, keys())
    if done is None:
        state = service.look_at_link(token, knows, moment)
        return _link_page(LinkState.GONE if state is LinkState.LIVE else state)
    signed_in.begin(done.cookie)
    return see_other(safe_path(done.return_path, signed_in.home()))


@pages.get("/account")
@signed_in.require_customer
def show_account() -> Response:
    """Who is signed in, and where else."""
    found = signed_in.session()
    assert found is not None  # the guard saw it
    assert found.customer_id is not None
    return render(
        "accounts/account.html",
        who=_name_of(found.customer_id),
        this=found,
        sign_ins=sessions.list_beside(found, now()),
        out="/sign-out",
    )


@pages.post("/sign-out")
def sign_out() -> Response:
    """Ends this session."""
    token = cookies.secret()
    if token:
        sessions.end(token)
    signed_in.end()
    return see_other("/sign-in?signed_out=1")


@pages.post("/sign-out/everywhere")
@signed_in.require_customer
def sign_out_everywhere() -> Response:
    """Ends every session of the customer."""
    found = signed_in.session()
    assert found is not None  # the guard saw it
    sessions.end_everywhere(found)
    signed_in.end()
    return see_other("/sign-in?signed_out=1")


def _form(status: int = 200, errors: dict[str, str] | None = None, given: str = "") -> Response:
    known = signed_in.customer()
    return render(
        "accounts/sign_in.html",
        status,
        errors=errors or {},
        given=given,
        next=_next(),
        who=None if known is None else _name_of(known),
        signed_out=request.args.get("signed_out") == "1",
    )


def _link_page(state: LinkState) -> Response:
    status = 200 if state is LinkState.LIVE else 410 if state is LinkState.GONE else 403
    return render("accounts/link.html", status, state=state.value)


def _next() -> str:
    return safe_path(request.values.get("next"), signed_in.home())


def _name_of(customer_id: CustomerId) -> str:
    """What the person knows themselves by: the address on file, else their id here."""
    found = customers.get_customer(customer_id, keys())
    addresses = [i.given for i in found.identifiers if i.type is IdentifierType.EMAIL]
    return addresses[0] if addresses else customer_id_text(customer_id)
