"""The guard before a route: a live token with the scope, or a problem."""

import functools
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Response

from consent_service.crypto.keyring import Keyring
from consent_service.kernel.errors import Forbidden, NotFound
from consent_service.kernel.ids import CustomerId, parse_customer_id
from consent_service.oauth import service
from consent_service.oauth.model import Caller, Scope
from consent_service.web import ownership
from consent_service.web.problems import problem
from consent_service.web.runtime import kept, keys, now, this_request
from consent_service.web.strict_json import plain_body
from consent_service.web.throttling import ClientBudget, admit_client

View = TypeVar("View", bound=Callable[..., Any])

_SMALL = 4096  # bytes that are read of a caller who may be nobody
_REALM = 'Bearer realm="consent"'


class Customers(StrEnum):
    """What a token that was got for a customer may do at a route."""

    REFUSED = "refused"  # nothing: what no route says
    OWN = "own"  # what is about that customer alone
    OPEN = "open"  # all: the route is about nobody


def require_scope(
    scope: str,
    *,
    customers: Customers = Customers.REFUSED,
    find: Callable[[str, datetime], Caller | None] = service.find_caller,
) -> Callable[[View], View]:
    """Lets a request through whose bearer token carries `scope` (RFC 6750).

    With `Customers.OWN`, a customer's token reaches that customer only. A `customer_id` in the
    path is checked here, in a body or query by `CustomerIdField`; a view that finds the
    customer in some other place says `reach(customer)`. `find` says whom a live token belongs to.
    """
    wanted = Scope(scope).value

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            moment = now()
            found = _authenticate(find, moment)
            if found is None:
                return _refused()
            if wanted not in found.scopes:
                detail = f"The token lacks the scope {wanted}."
                response = problem(403, "insufficient_scope", detail)
                response.headers["WWW-Authenticate"] = (
                    f'{_REALM}, error="insufficient_scope", scope="{wanted}"'
                )
                return response
            mine = kept()
            mine.caller, mine.client_id = found, found.client_id
            _count(found.client_id, wanted, moment)
            if found.customer_id is None or customers is Customers.OPEN:
                return view(*args, **kwargs)
            if customers is Customers.REFUSED:
                raise Forbidden()
            return _answer_about(found.customer_id, view, args, kwargs)

        guarded.scope = wanted  # type: ignore[attr-defined]  # read by web.api and the structure tests
        guarded.customers = customers  # type: ignore[attr-defined]  # as above
        return cast(View, guarded)

    return wrap


def by_one_read(
    named_in: Callable[[Any], tuple[Any, str] | None],
    look_up: Callable[[str, Any, str, datetime, Keyring], tuple[Caller, Any] | None],
) -> Callable[[str, datetime], Caller | None]:
    """A `find` that says by the same read what is known of whoever a small, plain body names, which
    is `looked_up` for the view. Nothing is answered to a body before the guard has had its say."""

    def find(token: str, moment: datetime) -> Caller | None:
        kept().looked_up = None
        said = plain_body(this_request(), _SMALL)
        named = None if said is None else named_in(said)
        if named is None:
            return service.find_caller(token, moment)
        found = look_up(token, *named, moment, keys())
        if found is None:
            return None
        who, kept().looked_up = found
        return who

    return find


def looked_up() -> Any:
    """What `by_one_read` found for the present request; None when there was nothing to look up."""
    return kept().get("looked_up")


def caller() -> Caller:
    """Who makes the present request."""
    found = kept().caller
    assert isinstance(found, Caller)
    return found


def _count(client_id: str, scope: str, moment: datetime) -> None:
    """Counts the request against the client's budget. Raises: TooMany. What `consents:write`
    records is counted by what it says: a no has a budget of its own."""
    if scope == Scope.CONSENTS_WRITE:
        return
    if scope == Scope.DECISIONS_CHECK:
        admit_client(client_id, ClientBudget.DECISIONS, moment)
    else:
        reads = this_request().method in ("GET", "HEAD")
        admit_client(client_id, ClientBudget.READS if reads else ClientBudget.WRITES, moment)


def reach(customer: CustomerId) -> None:
    """Says whom the present request is about. Raises: NotFound when the token is another's."""
    ownership.reach(customer)


def _answer_about(
    customer: CustomerId, view: Callable[..., Any], args: Any, kwargs: dict[str, Any]
) -> Any:
    ownership.bind(customer)
    if "customer_id" in kwargs:
        reach(parse_customer_id(kwargs["customer_id"]))
    answer = view(*args, **kwargs)
    if not ownership.was_reached():
        raise NotFound()  # nobody asked whose it is: rather no answer than another's
    return answer


def _authenticate(
    find: Callable[[str, datetime], Caller | None], moment: datetime
) -> Caller | None:
    scheme, _, token = this_request().environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
        return None
    return find(token, moment)


def _refused() -> Response:
    response = problem(401, "not_authenticated", "Send a live access token as bearer.")
    presented = "Authorization" in this_request().headers
    error = ', error="invalid_token"' if presented else ""
    response.headers["WWW-Authenticate"] = _REALM + error
    return response
