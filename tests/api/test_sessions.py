"""Sessions: cookie, limits, sign-out, step-up, and forms that only we made."""

from datetime import timedelta

import pytest
import structlog

from consent_service.accounts import sessions, signed_in
from consent_service.accounts.model import Browser as Kind
from consent_service.accounts.model import digest
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import MisconfiguredError
from consent_service.personal_data import service as personal_data
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web import pages
from consent_service.web.runtime import keys
from tests.support import log
from tests.support.pages import BASE, Browser, cookie_set, forms_of

ANNA = "anna@example.org"
SESSION = "__Host-consent_session"


@pytest.fixture
def anna(make_customer):
    return make_customer(ANNA)


@pytest.fixture
def at_home(anna, browser, sign_in):
    """A browser in which Anna is signed in."""
    sign_in(browser, ANNA)
    return browser


@pytest.fixture
def export_page(app):
    """`/export`, for a customer who signed in just now."""
    room = pages.Pages("export_of_a_test", __name__)

    @room.get("/export")
    @signed_in.require_fresh
    def show():
        return "all of it"

    app.register_blueprint(room)


def is_in(browser):
    return browser.get("/account").status_code == 200


def test_the_cookie_is_host_only_and_out_of_reach(anna, browser, sign_in):
    attributes = cookie_set(sign_in(browser, ANNA), SESSION).split("; ")[1:]
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/sent?lang=ru"])
def test_it_is_before_the_sign_in_too(browser, path):
    attributes = cookie_set(browser.get(path), SESSION).split("; ")[1:]
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_one_cookie_is_left_after_the_sign_in(at_home):
    assert set(at_home.cookies()) == {SESSION}


def test_a_sign_in_makes_a_new_id_and_the_old_is_dead(anna, app, browser, sign_in):
    sign_in(browser, ANNA)
    old = browser.cookies()[SESSION]
    with app.app_context():
        sessions.end(old)
    sign_in(browser, ANNA)
    assert browser.cookies()[SESSION] != old
    assert not _works(app, old)


def test_stepping_up_ends_the_session_before(anna, app, at_home, post_room, clock):
    old = at_home.cookies()[SESSION]
    clock.advance(timedelta(minutes=6))
    at_home.submit(at_home.get("/sign-in"))
    letter = post_room()[0]
    link = letter.text[letter.text.index("/sign-in/link/") :].split()[0]
    at_home.submit(at_home.get(link))
    assert at_home.cookies()[SESSION] != old
    assert is_in(at_home)
    assert not _works(app, old)


def test_a_session_id_of_somebody_elses_choice_is_never_used(app, anna, ask_for_link):
    browser = Browser(app)
    browser.take_cookie(SESSION, "chosen-by-somebody-else-0000000000000000000")
    link = ask_for_link(browser, ANNA)
    browser.submit(browser.get(link))
    assert browser.cookies()[SESSION] != "chosen-by-somebody-else-0000000000000000000"
    assert is_in(browser)


def test_an_unused_session_ends_after_half_an_hour(at_home, clock):
    clock.advance(timedelta(minutes=29))
    assert is_in(at_home)
    clock.advance(timedelta(minutes=29))
    assert is_in(at_home)
    clock.advance(timedelta(minutes=30))
    assert not is_in(at_home)


def test_a_used_session_ends_after_twelve_hours(at_home, clock):
    for _ in range(35):
        clock.advance(timedelta(minutes=20))
        assert is_in(at_home)
    clock.advance(timedelta(minutes=20))
    assert not is_in(at_home)


def test_dead_sessions_and_links_are_removed(app, at_home, ask_for_link, clock, browser):
    ask_for_link(Browser(app), ANNA)
    clock.advance(timedelta(minutes=30))
    with app.app_context():
        assert sessions.delete_dead(clock()) == 1
        assert sessions.delete_dead(clock()) == 0


def test_signing_out_kills_the_session_here(app, at_home):
    cookie = at_home.cookies()[SESSION]
    reply = at_home.submit(at_home.get("/account"), "/sign-out")
    assert SESSION not in at_home.cookies()
    assert "You are signed out" in at_home.follow(reply).text
    assert not _works(app, cookie)


def test_signing_out_everywhere_ends_all_and_only_ones_own(
    app, at_home, sign_in, make_customer, clock
):
    phone, other = Browser(app), Browser(app)
    sign_in(phone, ANNA)
    make_customer("boris@example.org")
    sign_in(other, "boris@example.org")
    page = at_home.get("/account")
    assert page.text.count("Signed in ") == 2
    assert "this one" in page.text
    at_home.submit(page, "/sign-out/everywhere")
    assert [is_in(each) for each in (at_home, phone, other)] == [False, False, True]


def test_step_up_asks_again_after_five_minutes(export_page, at_home, clock):
    assert at_home.get("/export").text == "all of it"
    clock.advance(timedelta(minutes=5) - timedelta(seconds=1))
    assert at_home.get("/export").text == "all of it"
    clock.advance(timedelta(seconds=1))
    reply = at_home.get("/export")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in?next=%2Fexport")
    assert is_in(at_home)


def test_step_up_lets_no_stranger_through(export_page, browser):
    assert browser.get("/export").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://sub.consent.example.org"},
        {"Origin": "http://consent.example.org"},
        {"Origin": ""},
    ],
)
def test_what_another_site_sends_is_refused(at_home, headers):
    fields = forms_of(at_home.get("/account"))[0]["fields"]
    assert at_home.post("/sign-out", fields, headers=headers).status_code == 403
    assert is_in(at_home)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "null"},
        {"Origin": BASE},
    ],
)
def test_what_our_own_page_sends_is_taken(at_home, headers):
    fields = forms_of(at_home.get("/account"))[0]["fields"]
    assert at_home.post("/sign-out", fields, headers=headers).status_code == 303
    assert not is_in(at_home)


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(at_home, token):
    fields = {} if token is None else {"csrf_token": token}
    page = at_home.post("/sign-out", fields)
    assert page.status_code == 403
    assert page.mimetype == "text/html"
    assert is_in(at_home)


def test_a_token_is_good_in_one_browser_and_session(app, at_home, make_customer, sign_in):
    make_customer("boris@example.org")
    other = Browser(app)
    sign_in(other, "boris@example.org")
    token = forms_of(other.get("/account"))[0]["fields"]
    assert at_home.post("/sign-out", token).status_code == 403


def test_every_page_form_refuses_a_post_without_a_token(app, at_home):
    rules = [
        (rule.rule.replace("<token>", "x"), method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}
        if isinstance(app.blueprints.get(rule.endpoint.partition(".")[0]), pages.Pages)
        and not hasattr(app.view_functions[rule.endpoint], "from_anywhere")  # test_routes names it
    ]
    assert len(rules) >= 8
    answers = {path: at_home._open(method, path).status_code for path, method in rules}
    assert set(answers.values()) == {403}, answers


@pytest.mark.parametrize("path", ["/sign-out", "/sign-out/everywhere"])
def test_getting_changes_nothing(at_home, path):
    assert at_home.get(path).status_code == 405
    assert is_in(at_home)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/sent", "/account", "/staff/sign-in"])
def test_every_page_carries_the_security_headers(app, at_home, path):
    headers = (Browser(app) if path == "/sign-in" else at_home).get(path).headers
    policy = headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
        "form-action 'self'",
    ):  # fmt: skip
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "max-age" in headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/sent", "/account", "/staff/sign-in"])
def test_no_page_needs_a_script_or_a_style_of_its_own(app, at_home, path):
    text = (Browser(app) if path == "/sign-in" else at_home).get(path).text
    for sign in ("<script", "<style", " style=", " onclick", "http://", "https://"):
        assert sign not in text


def test_a_failure_is_a_page_that_tells_nothing(app):
    room = pages.Pages("failing_room_of_a_test", __name__)

    @room.get("/failing")
    def fail():
        raise RuntimeError(ANNA)

    @room.get("/sealed")
    def misconfigured():
        raise MisconfiguredError(ANNA)

    app.register_blueprint(room)
    with structlog.testing.capture_logs() as logged:
        failed = Browser(app).get("/failing")
    assert (failed.status_code, failed.mimetype) == (500, "text/html")
    assert "anna" not in failed.text + repr(logged)
    closed = Browser(app).get("/sealed")
    assert (closed.status_code, closed.mimetype) == (503, "text/html")
    assert "anna" not in closed.text


def test_the_style_is_found_and_kept(browser):
    page = browser.get("/sign-in").text
    style = browser.get(page.partition('rel="stylesheet" href="')[2].partition('"')[0])
    assert style.mimetype == "text/css"
    assert "immutable" in style.headers["Cache-Control"]


def test_what_is_known_of_sign_ins_is_exported(app, anna, at_home):
    with app.app_context():
        (found,) = personal_data.export(anna, keys())["sign_ins"]
    assert found["browser"] == "Firefox"


def test_erasure_signs_out(app, anna, at_home, ask_for_link):
    other = Browser(app)
    link = ask_for_link(other, ANNA)
    with app.app_context():
        log.seal()
        with unit_of_work() as tx:
            for room in personal_data.ROOMS:
                room.erase(tx, [anna])
    assert not is_in(at_home)
    assert other.get(link).status_code == 410


def test_a_merge_signs_the_absorbed_out(app, sample_catalogue, anna, at_home, make_customer, clock):
    kept = make_customer("anna2@example.org")
    with app.app_context():
        personal_data.merge(kept, anna, SYSTEM, clock(), keys())
    assert not is_in(at_home)


def test_letters_on_their_way_move_with_a_merge(
    app, sample_catalogue, anna, make_customer, clock, post_room
):
    kept = make_customer("anna2@example.org")
    browser = Browser(app)
    browser.submit(browser.get("/sign-in"), email=ANNA)
    assert len(post_room()) == 1
    with app.app_context():
        personal_data.merge(kept, anna, SYSTEM, clock(), keys())
    assert [letter.to for letter in post_room()] == [ANNA]


def _works(app, cookie):
    other = Browser(app)
    other.take_cookie(SESSION, cookie)
    return is_in(other)


def test_a_session_is_found_by_its_hash_alone(app, anna, clock):
    with app.app_context():
        token = sessions.begin(anna, None, Kind.OTHER, None, clock())
        assert sessions.find(token, clock()).customer_id == anna
        with reading() as tx:
            (row,) = tx.exec_driver_sql("SELECT sha256 FROM sessions").all()
        assert bytes(row[0]) == digest(token)
        assert sessions.find(bytes(row[0]).hex(), clock()) is None
