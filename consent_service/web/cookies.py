"""The cookies of the pages: host-only, Secure, HttpOnly, SameSite=Lax. None holds anything about
a person: a random value, or a language's code. Browsers take Secure cookies over plain HTTP from
this machine itself, so the demo needs no others.

Source: RFC 6265bis, section 4.1.3.2 (`__Host-`).
"""

from flask import Response, g, request

SESSION = "__Host-consent_session"
BROWSER = "__Host-consent_browser"
LANGUAGE = "__Host-consent_language"


def find(name: str) -> str | None:
    """What the browser sent, or was just told to keep."""
    told: dict[str, tuple[str, int | None]] = g.get("cookies_told", {})
    if name in told:
        return told[name][0] or None
    return request.cookies.get(name)


def tell(name: str, value: str, seconds: int | None = None) -> None:
    """Has the browser keep a value: until it is closed, or for some seconds."""
    if "cookies_told" not in g:
        g.cookies_told = {}
    g.cookies_told[name] = (value, seconds)


def drop(name: str) -> None:
    """Has the browser forget a value."""
    tell(name, "", 0)


def send(response: Response) -> Response:
    """Puts what the browser was told into the response."""
    told: dict[str, tuple[str, int | None]] = g.get("cookies_told", {})
    for name, (value, seconds) in told.items():
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Lax"
        )
    return response
