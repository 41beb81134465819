"""The one cookie of the pages: host-only, Secure, HttpOnly, SameSite=Lax, gone with the browser's
session. It holds nothing about a person: `secret.language`, a random value and the code of the
language that was chosen, each empty before it is needed; and there is none while both are.
Browsers take Secure cookies over plain HTTP from this machine itself, so the demo needs no others.

Source: RFC 6265bis, section 4.1.3.2 (`__Host-`).
"""

import re
from dataclasses import dataclass, replace

from flask import Response, g, request

SESSION = "__Host-consent_session"

_SHAPE = re.compile(r"([\w\-]{0,128})(?:\.([A-Za-z\-]{2,16}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the browser keeps."""

    secret: str = ""
    language: str = ""

    def __repr__(self) -> str:
        return "Kept(redacted)"


def kept() -> Kept:
    """What the browser sent, or was just told to keep. What was not made here is nothing."""
    if "cookie_told" in g:
        told = g.cookie_told
        assert isinstance(told, Kept)
        return told
    found = _SHAPE.fullmatch(request.cookies.get(SESSION, ""))
    return Kept(found[1], found[2] or "") if found else Kept()


def secret() -> str | None:
    """What only this browser knows."""
    return kept().secret or None


def keep_secret(value: str) -> None:
    """Has the browser keep a secret in place of the one it has; none, when that is empty."""
    g.cookie_told = replace(kept(), secret=value)


def keep_language(code: str) -> None:
    """Has the browser keep a language."""
    g.cookie_told = replace(kept(), language=code)


def send(response: Response) -> Response:
    """Puts what the browser was told into the response."""
    if "cookie_told" in g:
        told = kept()
        value = f"{told.secret}.{told.language}" if told.language else told.secret
        response.set_cookie(
            SESSION, value, max_age=None if value else 0, path="/", secure=True, httponly=True,
            samesite="Lax",
        )  # fmt: skip
    return response
