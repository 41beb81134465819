"""Who is signed in, for pages: the session behind the browser's cookie, and guards before views.

`require_customer` and `require_staff` lead strangers to the sign-in page; `require_fresh` asks
for another sign-in when the last is not of the past few minutes.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flask import current_app, g, request

from consent_service.accounts import sessions, staff
from consent_service.accounts.model import Role, Session, Staff, is_fresh
from consent_service.kernel.errors import Forbidden
from consent_service.kernel.ids import CustomerId
from consent_service.web import cookies
from consent_service.web.pages import see_other
from consent_service.web.runtime import now

View = TypeVar("View", bound=Callable[..., Any])

SIGN_IN = "/sign-in"
HOME = "consent.home"
STAFF_SIGN_IN = "/staff/sign-in"


def session() -> Session | None:
    """The live session of this browser."""
    if "session_found" not in g:
        token = cookies.secret()
        g.session_found = None if not token else sessions.find(token, now())
    found = g.session_found
    assert found is None or isinstance(found, Session)
    return found


def customer() -> CustomerId | None:
    """The customer who is signed in."""
    found = session()
    return None if found is None else found.customer_id


def get_customer() -> CustomerId:
    """The customer whom the guard of a view has let through."""
    found = customer()
    assert found is not None
    return found


def known_customer() -> CustomerId | None:
    """As `customer`, as far as this request has found out: asks nothing, and never fails."""
    found = g.get("session_found")
    return found.customer_id if isinstance(found, Session) else None


def staff_member() -> Staff | None:
    """The member of staff who is signed in, as they are now: a role that was taken away is gone
    at the next request."""
    found = session()
    return None if found is None or found.staff_id is None else staff.find_staff(found.staff_id)


def home() -> str:
    """Where a customer is led who has signed in and came from nowhere else."""
    return str(current_app.extensions[HOME])


def sign_in_path(return_path: str) -> str:
    """Where a customer signs in, to come back to `return_path`."""
    return f"{SIGN_IN}?{urlencode({'next': return_path})}"


def begin(token: str) -> None:
    """Hands the browser the cookie of a session that was just begun."""
    cookies.keep_secret(token)
    g.pop("session_found", None)


def end() -> None:
    """Has the browser forget its session."""
    cookies.keep_secret("")
    g.pop("session_found", None)


def require_customer(view: View) -> View:
    """Lets a signed-in customer through; leads anybody else to the sign-in page."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if customer() is None:
            return see_other(sign_in_path(_here()))
        return view(*args, **kwargs)

    guarded.signed_in = "customer"  # type: ignore[attr-defined]  # read by the structure tests
    return cast(View, guarded)


def require_fresh(view: View) -> View:
    """Lets a customer through who signed in within the last few minutes; asks anybody else to
    sign in (again). Before an export, an erasure, a change of address. Source: ASVS 7.5.3."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        found = session()
        if found is None or found.customer_id is None or not is_fresh(found, now()):
            return see_other(sign_in_path(_here()))
        return view(*args, **kwargs)

    guarded.signed_in = "fresh customer"  # type: ignore[attr-defined]  # as above
    return cast(View, guarded)


def require_staff(*roles: Role) -> Callable[[View], View]:
    """Lets staff with one of the roles through, any staff when none is named; leads those not
    signed in to the sign-in page. Raises: Forbidden for others."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            found = staff_member()
            if found is None:
                return see_other(f"{STAFF_SIGN_IN}?{urlencode({'next': _here()})}")
            if roles and not found.roles & set(roles):
                raise Forbidden()
            return view(*args, **kwargs)

        guarded.signed_in = "staff"  # type: ignore[attr-defined]  # as above
        return cast(View, guarded)

    return wrap


def _here() -> str:
    """The page to come back to: of a form that was sent, its page."""
    return request.full_path.rstrip("?") if request.method == "GET" else request.path
