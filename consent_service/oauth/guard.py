"""The guard before a route: a live token with the scope, or a problem."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, g, request

from consent_service.oauth import service
from consent_service.oauth.model import Caller, Scope
from consent_service.web.problems import problem
from consent_service.web.runtime import now

View = TypeVar("View", bound=Callable[..., Any])

_REALM = 'Bearer realm="consent"'


def require_scope(scope: str) -> Callable[[View], View]:
    """Lets a request through whose bearer token carries `scope` (RFC 6750)."""
    wanted = Scope(scope).value

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            found = _authenticate()
            if found is None:
                return _refused()
            if wanted not in found.scopes:
                response = problem(403, "insufficient_scope", "The token lacks the scope.")
                response.headers["WWW-Authenticate"] = (
                    f'{_REALM}, error="insufficient_scope", scope="{wanted}"'
                )
                return response
            g.caller = found
            g.client_id = found.client_id
            return view(*args, **kwargs)

        guarded.scope = wanted  # type: ignore[attr-defined]  # read by web.api and the structure tests
        return cast(View, guarded)

    return wrap


def caller() -> Caller:
    """Who makes the present request."""
    found = g.caller
    assert isinstance(found, Caller)
    return found


def _authenticate() -> Caller | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
        return None
    return service.find_caller(token, now())


def _refused() -> Response:
    response = problem(401, "not_authenticated", "Send a live access token as bearer.")
    presented = "Authorization" in request.headers
    error = ', error="invalid_token"' if presented else ""
    response.headers["WWW-Authenticate"] = _REALM + error
    return response
