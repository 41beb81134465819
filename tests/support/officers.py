"""Staff who act by password and one-time code."""

from datetime import timedelta

import pyotp

from consent_service.accounts import staff
from consent_service.kernel.actors import SYSTEM
from consent_service.web.runtime import keys

PASSWORD = "four green kettles sing"


def enrol(name, now, *roles):
    """A member of staff who has set everything, in the app's context; what makes their codes."""
    made = staff.create_staff(name, roles or ["officer"], SYSTEM, now, keys())
    _, secret = staff.look_at_enrolment(made.token, now, keys())
    codes = pyotp.TOTP(secret)
    assert staff.enrol(made.token, PASSWORD, codes.at(now), now, keys())
    return codes


class Officers:
    """Those of a shop. Each act takes a fresh code, and so half a minute."""

    def __init__(self, shop):
        self._shop, self._codes = shop, {}

    def add(self, name, *roles):
        with self._shop.app.app_context():
            self._codes[name] = enrol(name, self._shop.clock(), *roles)

    def body(self, name, **changes):
        self._shop.clock.advance(timedelta(seconds=30))
        code = self._codes[name].at(self._shop.clock())
        return {"name": name, "password": PASSWORD, "code": code} | changes
