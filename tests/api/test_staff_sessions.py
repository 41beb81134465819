"""Staff's sessions end when they sign out, and with the next sign-in. Who is kept out of one."""

import statistics
import time
from datetime import timedelta

import pyotp
import pytest

from consent_service.accounts import sessions, signed_in, staff
from consent_service.accounts.model import Browser as Kind
from consent_service.kernel.actors import SYSTEM
from consent_service.web.pages import Pages
from consent_service.web.runtime import keys
from tests.support.pages import Browser, forms_of

PASSWORD = "four green kettles sing"
SESSION = "__Host-consent_session"


@pytest.fixture
def olga(app, clock):
    """The one-time codes of a member of staff."""
    with app.app_context():
        link = staff.create_staff("olga", ["officer"], SYSTEM, clock(), keys())
        _, secret = staff.look_at_enrolment(link.token, clock(), keys())
        codes = pyotp.TOTP(secret)
        assert staff.enrol(link.token, PASSWORD, codes.at(clock()), clock(), keys())
    return codes


@pytest.fixture
def at_work(app, olga, browser, clock):
    """A browser in which Olga is signed in."""
    with app.app_context():
        (member,) = staff.list_staff()
        token = sessions.begin(None, member.id, Kind.OTHER, None, clock())
    browser.take_cookie(SESSION, token)
    assert browser.get("/staff").status_code == 200
    clock.advance(timedelta(seconds=30))  # the code that enrolled is used
    return browser


@pytest.fixture
def export_page(app):
    """`/export`, for a customer who signed in just now."""
    room = Pages("export_of_a_test", __name__)

    @room.get("/export")
    @signed_in.require_fresh
    def show():
        return "all of it"

    app.register_blueprint(room)


@pytest.fixture
def works(app):
    """Whether a cookie still opens staff's page, from any browser."""

    def opens(cookie):
        other = Browser(app)
        other.take_cookie(SESSION, cookie)
        return other.get("/staff").status_code == 200

    return opens


def test_signing_out_kills_the_session_here(at_work, works):
    cookie = at_work.cookies()[SESSION]
    at_work.submit(at_work.get("/staff"), "/staff/sign-out")
    assert SESSION not in at_work.cookies()
    assert not works(cookie)


def test_a_sign_in_makes_a_new_id_and_the_old_is_dead(at_work, works, olga, clock):
    old = at_work.cookies()[SESSION]
    token = forms_of(at_work.get("/staff"))[0]["fields"]
    typed = {"name": "olga", "password": PASSWORD, "code": olga.at(clock())}
    assert at_work.post("/staff/sign-in", {**token, **typed}).status_code == 303
    assert works(at_work.cookies()[SESSION])
    assert not works(old)


def test_staff_are_no_customer_however_fresh_their_sign_in(export_page, at_work):
    assert at_work.get("/export").headers["Location"] == "/sign-in?next=%2Fexport"


@pytest.mark.parametrize("state", ["invited", "disabled"])
def test_who_may_not_sign_in_takes_as_long_as_nobody(app, olga, clock, state):
    spent = {"olga": [], "nobody": []}
    with app.app_context():
        if state == "invited":
            staff.reset_staff("olga", SYSTEM, clock(), keys())
        else:
            staff.disable_staff("olga", SYSTEM, clock())
        for _ in range(7):
            for name, times in spent.items():
                begun, code = time.perf_counter(), olga.at(clock())
                staff.sign_in(name, "wrong", code, Kind.OTHER, None, clock(), keys())
                times.append(time.perf_counter() - begun)
    kept_out, unknown = (statistics.median(times) for times in spent.values())
    assert abs(kept_out - unknown) < 0.3 * max(kept_out, unknown)


def test_a_disabled_member_of_staff_is_let_in_no_more(app, olga, clock):
    with app.app_context():
        staff.disable_staff("olga", SYSTEM, clock())
        everything_right = ("olga", PASSWORD, olga.at(clock()), Kind.OTHER, None, clock(), keys())
        assert staff.sign_in(*everything_right) is None
