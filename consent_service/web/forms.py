"""Forms that only we made, sent by the browser they were made for.

A form carries `csrf_token()`; whatever is posted without it, or from another site, is refused.
Source: ASVS 3.5.1, 3.5.3.
"""

import hmac
import secrets

from flask import request

from consent_service.crypto import blind_index
from consent_service.kernel.errors import Forbidden
from consent_service.web import cookies
from consent_service.web.runtime import keys, runtime

MAX_FORM = 64 * 1024


class FormExpired(Forbidden):
    """The form was not made for this browser, or is too old."""

    code = "form_expired"
    detail = "This form is no longer valid. Open the page again."


class CrossSite(Forbidden):
    """Another site sent it."""

    code = "cross_site"
    detail = "This was sent from another site."


def browser() -> str:
    """What only this browser knows: its session, or, before there is one, a random value."""
    found = cookies.secret()
    if not found:
        found = secrets.token_urlsafe(32)
        cookies.keep_secret(found)
    return found


def csrf_token() -> str:
    """What a form must carry."""
    return blind_index.keyed_digest(keys(), "csrf", browser().encode()).hex()


def check() -> None:
    """Refuses a form that is not ours. Raises: FormExpired, CrossSite."""
    request.max_content_length = MAX_FORM
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if not _is_same_origin():
        raise CrossSite()
    given = request.form.get("csrf_token", "")
    if not hmac.compare_digest(given.encode(), csrf_token().encode()):
        raise FormExpired()


def _is_same_origin() -> bool:
    """By what the browser says of itself; one that says nothing must still know the token.
    Under our no-referrer policy browsers name the origin `null` for our own forms too."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "null")
    return origin in ("null", request.host_url.rstrip("/"), runtime().settings.base_url)
