"""What every response carries, and what every request must keep to. It stands around the app and
speaks WSGI: the same as hooks of Flask's takes a tenth of a check."""

import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from consent_service.web.problems import REQUEST_ID, problem

_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]

_REQUEST_ID = re.compile(r"[A-Za-z0-9_\-]{8,64}")
_DRAINED = 64 * 1024 * 1024
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
_UNLESS_SAID = {
    name.lower(): (name, value)
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", _API_POLICY),
        ("Cache-Control", "no-store"),
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Server", "consent"),  # else the HTTP server says what it is
    )
}


def init_app(app: Flask, trusted_proxies: int) -> None:
    """Request ids, security headers, forwarded headers from named proxies only."""
    inner: Any = app.wsgi_app
    if trusted_proxies:
        inner = ProxyFix(
            inner, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=trusted_proxies
        )
    app.wsgi_app = _hardened(app, inner)  # type: ignore[assignment,method-assign]  # Flask's documented way


def _hardened(app: Flask, inner: _Wsgi) -> _Wsgi:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        made = given if _REQUEST_ID.fullmatch(given) else os.urandom(12).hex()
        environ[REQUEST_ID] = made
        structlog.contextvars.bind_contextvars(request_id=made)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if status.startswith("413"):
                _drain(environ)
            return start_response(status, [*_completed(headers), ("X-Request-Id", made)], *error)

        if "\x00" in environ["PATH_INFO"]:
            return _nothing_here(app, environ)(environ, start)
        return inner(environ, start)

    return application


def _completed(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of a response, with those that all have unless they say otherwise."""
    return [*headers, *_unsaid(tuple([name for name, _ in headers]))]


@lru_cache(maxsize=256)
def _unsaid(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """What a response that says these has yet to say. All that there are have few sets of names."""
    said = {name.lower() for name in names}
    return [one for name, one in _UNLESS_SAID.items() if name not in said]


def _nothing_here(app: Flask, environ: dict[str, Any]) -> Any:
    with app.request_context(environ):
        return problem(404, "not_found", "There is nothing here under that id.")


def _drain(environ: dict[str, Any]) -> None:
    """Reads on and throws away what a too large body still has, within bounds: a client that is
    cut off while it sends sees a broken connection and never the 413."""
    said = environ.get("CONTENT_LENGTH") or "0"
    left = min(int(said) if said.isdecimal() else 0, _DRAINED)
    while left > 0:
        chunk = environ["wsgi.input"].read(min(left, 65_536))
        if not chunk:
            return
        left -= len(chunk)
