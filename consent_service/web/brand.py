"""Whose pages these are: name, logo and accent colour, and the stylesheet that has the colour.

A logo is a picture inside the catalogue, so that no page loads anything from elsewhere."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template

from consent_service.web import colours

LOGO_KINDS = ("image/svg+xml", "image/png", "image/webp")
MAX_LOGO = 40_000  # characters
_LOGO = re.compile(r"data:(image/(?:svg\+xml|png|webp));base64,([A-Za-z0-9+/]+={0,2})")
_STYLE = Template((Path(__file__).parent / "static/site.css").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the pages load: `path` changes with it."""

    path: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Brand:
    """What the catalogue says of the controller, as far as the pages show it."""

    name: str
    accent: str = colours.ACCENT
    logo: str | None = None


@lru_cache(maxsize=8)
def style(accent: str) -> Asset:
    """The one stylesheet, in the accent."""
    return _asset("site.css", "text/css", _STYLE.substitute(colours.named(accent)).encode())


@lru_cache(maxsize=8)
def logo(text: str | None) -> Asset | None:
    """The picture in a `data:` address; None where there is none that can be shown."""
    found = None if text is None or len(text) > MAX_LOGO else _LOGO.fullmatch(text)
    if found is None:
        return None
    try:
        return _asset("logo", found[1], base64.b64decode(found[2], validate=True))
    except binascii.Error:
        return None


def _asset(name: str, media_type: str, content: bytes) -> Asset:
    version = hashlib.sha256(content).hexdigest()[:16]
    return Asset(f"/assets/{version}/{name}", media_type, content)
