"""What every response carries, and what every request must keep to."""

import re
import secrets

import structlog
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from consent_service.web.problems import problem

_REQUEST_ID = re.compile(r"[A-Za-z0-9_\-]{8,64}")
_DRAINED = 64 * 1024 * 1024
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
_UNLESS_SAID = [
    (name, name.lower(), value)
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", _API_POLICY),
        ("Cache-Control", "no-store"),
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )
]


def init_app(app: Flask, trusted_proxies: int) -> None:
    """Request ids, security headers, forwarded headers from named proxies only."""
    if trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=trusted_proxies
        )
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> Response | None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if "\x00" in request.path:
        return problem(404, "not_found", "There is nothing here under that id.")
    return None


def _drain() -> None:
    """Reads on and throws away what a too large body still has, within bounds: a client that is
    cut off while it sends sees a broken connection and never the 413."""
    left = min(request.content_length or 0, _DRAINED)
    while left > 0:
        chunk = request.environ["wsgi.input"].read(min(left, 65_536))
        if not chunk:
            return
        left -= len(chunk)


def _finish(response: Response) -> Response:
    if response.status_code == 413:
        _drain()
    headers = response.headers
    headers["X-Request-Id"] = g.get("request_id", "")
    present = set(headers.keys(lower=True))
    for name, lower, value in _UNLESS_SAID:
        if lower not in present:
            headers.add(name, value)
    if "server" in present:
        del headers["Server"]
    return response
