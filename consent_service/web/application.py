"""Flask, less what it does for each request that none of ours has a use for. ADR 35 has what each
of these took."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

_AS_FLASK_ASKS = {"return_rule": True}


class Application(Flask):
    """As Flask in all that can be seen."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._routes: dict[tuple[str, str], Any] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: none of ours is a coroutine, and to look takes as long as to
        route a request."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's; what follows from the host alone is found once for each host."""
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        scheme, server = (
            environ["wsgi.url_scheme"],
            (environ["SERVER_NAME"], environ["SERVER_PORT"]),
        )
        request.host = _host(scheme, environ.get("HTTP_HOST"), server)
        return _Adapter(
            self._routes,
            self.url_map,
            request.host,
            environ.get("SCRIPT_NAME") or "/",
            self.url_map.default_subdomain,
            scheme,
            request.path,
            request.method,
            environ.get("QUERY_STRING", ""),
        )

    def do_teardown_request(self, *error: Any) -> None:
        """Nothing, where nobody asked for any."""
        if self.teardown_request_funcs:
            super().do_teardown_request(*error)


class _Adapter(MapAdapter):
    """Finds a path that is a route as it stands by itself: there are only so many of them."""

    def __init__(self, routes: dict[tuple[str, str], Any], *args: Any) -> None:
        super().__init__(*args)
        self._routes = routes

    def match(self, *args: Any, **options: Any) -> Any:
        """As werkzeug's."""
        if args or options != _AS_FLASK_ASKS:
            return super().match(*args, **options)
        asked = (self.default_method, self.path_info)
        rule = self._routes.get(asked)
        if rule is not None:
            return rule, {}
        rule, found = super().match(return_rule=True)
        if not found and rule.rule == self.path_info:
            self._routes[asked] = rule
        return rule, found


@lru_cache(maxsize=64)
def _host(scheme: str, said: str | None, server: tuple[str, str]) -> str:
    """The host and port that a request names; empty when they are none."""
    environ = {"wsgi.url_scheme": scheme, "SERVER_NAME": server[0], "SERVER_PORT": server[1]}
    return get_host(environ if said is None else environ | {"HTTP_HOST": said})
