"""Staff's pages: enrol, sign in, sign out."""

from flask import Response, request
from markupsafe import Markup

from consent_service.accounts import limits, passwords, sessions, signed_in, staff, totp
from consent_service.accounts.jobs import site_name
from consent_service.accounts.model import Staff, browser_of
from consent_service.kernel.errors import TooMany
from consent_service.web import cookies
from consent_service.web.pages import Pages, language, render, safe_path, see_other
from consent_service.web.runtime import keys, now
from consent_service.web.texts import say

pages = Pages("staff", __name__)

HOME = "/staff"


@pages.get("/staff/sign-in")
def show_sign_in() -> Response:
    """Asks for name, password and code."""
    if signed_in.staff_member() is not None:
        return see_other(_next())
    return _form()


@pages.post("/staff/sign-in")
def sign_in() -> Response:
    """Signs in. Whatever is wrong, the answer is the same."""
    name = request.form.get("name", "").strip().lower()
    password, code = request.form.get("password", ""), request.form.get("code", "")
    errors = _missing(name=name, password=password, code=code)
    if errors:
        return _form(422, errors, name)
    try:
        limits.admit_staff_try(name)
    except TooMany as error:
        text = say(language(), "You tried too often. Wait a few minutes, then try again.")
        response = _form(429, {"": text}, name)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    kind = browser_of(request.headers.get("User-Agent", ""))
    previous = cookies.secret()
    cookie = staff.sign_in(name, password, code, kind, previous, now(), keys())
    if cookie is None:
        text = say(language(), "Name, password and code do not go together, or the code was used.")
        return _form(401, {"name": text}, name)
    signed_in.begin(cookie)
    return see_other(_next())


@pages.get("/staff")
@signed_in.require_staff()
def show_home() -> Response:
    """Who is signed in, and where else."""
    member, found = signed_in.staff_member(), signed_in.session()
    assert member is not None  # the guard saw both
    assert found is not None
    return render(
        "accounts/account.html",
        who=member.name,
        roles=sorted(member.roles),
        this=found,
        sign_ins=sessions.list_beside(found, now()),
        out="/staff/sign-out",
    )


@pages.post("/staff/sign-out")
def sign_out() -> Response:
    """Ends this session."""
    token = cookies.secret()
    if token:
        sessions.end(token)
    signed_in.end()
    return see_other("/staff/sign-in?signed_out=1")


@pages.post("/staff/sign-out/everywhere")
@signed_in.require_staff()
def sign_out_everywhere() -> Response:
    """Ends every session of this member of staff."""
    found = signed_in.session()
    assert found is not None  # the guard saw it
    sessions.end_everywhere(found)
    signed_in.end()
    return see_other("/staff/sign-in?signed_out=1")


@pages.get("/staff/enrol/<token>")
def show_enrolment(token: str) -> Response:
    """Asks for a password, and shows the secret of the codes."""
    found = staff.look_at_enrolment(token, now(), keys())
    if found is None:
        return render("accounts/enrol_gone.html", 410)
    return _enrolment(*found)


@pages.post("/staff/enrol/<token>")
def enrol(token: str) -> Response:
    """Sets password and code, once."""
    moment = now()
    found = staff.look_at_enrolment(token, moment, keys())
    if found is None:
        return render("accounts/enrol_gone.html", 410)
    password, code = request.form.get("password", ""), request.form.get("code", "")
    errors = _missing(password=password, code=code)
    if not errors and passwords.is_weak(password, found[0].name):
        errors["password"] = say(
            language(), "Choose a longer password, of at least 12 characters, that is not common."
        )
    if not errors and not staff.enrol(token, password, code, moment, keys()):
        errors["code"] = say(language(), "This is not the code that the app shows now.")
    if errors:
        return _enrolment(*found, status=422, errors=errors, code=code)
    return see_other("/staff/sign-in?enrolled=1")


def _form(status: int = 200, errors: dict[str, str] | None = None, name: str = "") -> Response:
    return render(
        "accounts/staff_sign_in.html",
        status,
        errors=errors or {},
        name=name,
        next=_next(),
        signed_out=request.args.get("signed_out") == "1",
        enrolled=request.args.get("enrolled") == "1",
    )


def _enrolment(
    member: Staff,
    secret: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    code: str = "",
) -> Response:
    address = totp.address_of(secret, member.name, site_name())
    return render(
        "accounts/enrol.html",
        status,
        errors=errors or {},
        name=member.name,
        code=code,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        address=address,
        picture=Markup(totp.picture_of(address)),  # noqa: S704  # SVG of our own making
    )


def _missing(**given: str) -> dict[str, str]:
    texts = {
        "name": say(language(), "Write your name."),
        "password": say(language(), "Write your password."),
        "code": say(language(), "Write the code of six digits that the app shows."),
    }
    return {field: texts[field] for field, value in given.items() if not value}


def _next() -> str:
    return safe_path(request.values.get("next"), HOME)
