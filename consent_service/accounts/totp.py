"""One-time codes by the clock. Source: RFC 6238; a code counts once (section 5.2)."""

import hmac
import re
from datetime import datetime

import pyotp
import segno

STEP_SECONDS = 30
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """160 random bits in base 32."""
    return pyotp.random_base32(32)


def matching_step(secret: str, code: str, now: datetime, after: int | None) -> int | None:
    """The time step a code is of: the present one or a neighbour, later than `after`."""
    plain = "".join(code.split())
    if not _CODE.fullmatch(plain):
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    otp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    found = None
    for step in (current - 1, current, current + 1):
        same = hmac.compare_digest(otp.at(step * STEP_SECONDS), plain)
        if same and (after is None or step > after):
            found = step
    return found


def address_of(secret: str, name: str, issuer: str) -> str:
    """What an authenticator app reads, `otpauth://…`."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=issuer)


def picture_of(address: str) -> str:
    """The address as a square to photograph: SVG, for a page."""
    made = segno.make(address, error="m")
    return str(made.svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True))
