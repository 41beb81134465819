"""Flask, less what it does for each request that none of ours has a use for. ADR 35 has what each
of these took."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host


class Application(Flask):
    """As Flask in all that can be seen."""

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
        return MapAdapter(
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


@lru_cache(maxsize=64)
def _host(scheme: str, said: str | None, server: tuple[str, str]) -> str:
    """The host and port that a request names; empty when they are none."""
    environ = {"wsgi.url_scheme": scheme, "SERVER_NAME": server[0], "SERVER_PORT": server[1]}
    return get_host(environ if said is None else environ | {"HTTP_HOST": said})
