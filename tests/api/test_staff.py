"""Staff: made by an administrator, enrolled by a one-time link, let in by password and code."""

import statistics
import threading
import time
from datetime import timedelta

import pyotp
import pytest
import structlog
from click.testing import CliRunner

from consent_service.accounts import passwords, signed_in, staff
from consent_service.accounts.model import Browser as Kind
from consent_service.accounts.model import Role
from consent_service.cli.main import main
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.actors import SYSTEM
from consent_service.storage.unit_of_work import reading
from consent_service.web.pages import Pages
from consent_service.web.runtime import keys
from tests.support.pages import Browser, forms_of

PASSWORD = "four green kettles sing"
SESSION = "__Host-consent_session"


@pytest.fixture
def make_staff(app, clock):
    """`make_staff(name, *roles)`: the path of the link that enrols them."""

    def make(name, *roles):
        with app.app_context():
            made = staff.create_staff(name, roles or ["officer"], SYSTEM, clock(), keys())
        return f"/staff/enrol/{made.token}"

    return make


@pytest.fixture
def enrol(browser, make_staff, clock):
    """`enrol(name, *roles)`: the codes of a member of staff who has set everything, of which the
    one of now is fresh."""

    def through(name, *roles):
        path = make_staff(name, *roles)
        page = browser.get(path)
        codes = pyotp.TOTP(secret_on(page))
        reply = browser.submit(page, password=PASSWORD, code=codes.at(clock()))
        assert reply.status_code == 303, reply.text
        clock.advance(timedelta(seconds=30))
        return codes

    return through


@pytest.fixture
def try_to_sign_in(clock):
    def send(browser, name, codes, password=PASSWORD, **typed):
        code = typed.pop("code", None) or codes.at(clock())
        page = browser.get("/staff/sign-in")
        return browser.submit(page, name=name, password=password, code=code, **typed)

    return send


def secret_on(page):
    return page.text.partition('<code class="secret ltr">')[2].partition("<")[0].replace(" ", "")


def is_in(browser):
    return browser.get("/staff").status_code == 200


def test_staff_enrol_and_sign_in(browser, enrol, try_to_sign_in):
    codes = enrol("olga", "officer", "agent")
    reply = try_to_sign_in(browser, "Olga", codes)
    page = browser.follow(reply)
    assert "olga" in page.text
    assert "privacy officer" in page.text
    assert set(browser.cookies()) == {SESSION}


def test_the_code_that_enrolled_does_not_sign_in_too(browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    used = codes.at(clock() - timedelta(seconds=30))
    assert try_to_sign_in(browser, "olga", codes, code=used).status_code == 401
    assert try_to_sign_in(browser, "olga", codes).status_code == 303


def test_an_enrolment_link_works_once(browser, make_staff, clock):
    path = make_staff("olga")
    page = browser.get(path)
    code = pyotp.TOTP(secret_on(page)).at(clock())
    assert browser.submit(page, password=PASSWORD, code=code).status_code == 303
    assert browser.get(path).status_code == 410
    assert browser.submit(page, password=PASSWORD, code=code).status_code == 410


def test_an_enrolment_link_dies_after_a_day(browser, make_staff, clock):
    path = make_staff("olga")
    clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert browser.get(path).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert browser.get(path).status_code == 410


def test_a_new_link_makes_the_one_before_useless(app, browser, make_staff, clock):
    path = make_staff("olga")
    with app.app_context():
        staff.reset_staff("olga", SYSTEM, clock(), keys())
    assert browser.get(path).status_code == 410


@pytest.mark.parametrize(
    "password",
    ["short", "aaaaaaaaaaaaaaaa", "password1234", "olgaolgaolga1", "qwerty123456", "x" * 257, ""],
)
def test_a_weak_password_is_refused(browser, make_staff, clock, password):
    page = browser.get(make_staff("olga"))
    reply = browser.submit(page, password=password, code=pyotp.TOTP(secret_on(page)).at(clock()))
    assert reply.status_code == 422
    assert 'href="#password"' in reply.text
    assert secret_on(reply) == secret_on(page)


def test_a_wrong_code_sets_nothing(browser, make_staff, try_to_sign_in, clock):
    path = make_staff("olga")
    page = browser.get(path)
    reply = browser.submit(page, password=PASSWORD, code="000000")
    assert reply.status_code == 422
    assert 'href="#code"' in reply.text
    assert browser.get(path).status_code == 200
    codes = pyotp.TOTP(secret_on(page))
    assert try_to_sign_in(browser, "olga", codes).status_code == 401


def test_whatever_is_wrong_the_answer_is_the_same(app, enrol, make_staff, try_to_sign_in, clock):
    codes = enrol("olga")
    enrol("igor")
    make_staff("invited")
    with app.app_context():
        staff.disable_staff("igor", SYSTEM, clock())
    clock.advance(timedelta(minutes=2))
    answers = []
    for name, password, code in (
        ("nobody", PASSWORD, None),
        ("olga", "wrong", None),
        ("olga", PASSWORD, "000000"),
        ("olga", PASSWORD, "12345"),
        ("igor", PASSWORD, None),
        ("invited", PASSWORD, None),
    ):
        browser = Browser(app)
        page = try_to_sign_in(browser, name, codes, password, code=code)
        token = forms_of(page)[0]["fields"]["csrf_token"]
        answers.append((page.status_code, page.text.replace(token, "").replace(name, "")))
        assert not is_in(browser)
    assert {answer[0] for answer in answers} == {401}
    assert len(set(answers)) == 1


def test_unknown_and_wrong_take_the_same_time(app, enrol, clock):
    codes = enrol("olga")
    spent = {"olga": [], "nobody": []}
    with app.app_context():
        for _ in range(7):
            for name, times in spent.items():
                begun = time.perf_counter()
                found = staff.sign_in(
                    name, "wrong", codes.at(clock()), Kind.OTHER, None, clock(), keys()
                )
                times.append(time.perf_counter() - begun)
                assert found is None
    known, unknown = (statistics.median(times) for times in spent.values())
    assert abs(known - unknown) < 0.3 * max(known, unknown)


def test_a_code_counts_once(app, browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    clock.advance(timedelta(minutes=1))
    code = codes.at(clock())
    assert try_to_sign_in(browser, "olga", codes, code=code).status_code == 303
    other = Browser(app)
    assert try_to_sign_in(other, "olga", codes, code=code).status_code == 401
    before = codes.at(clock() - timedelta(seconds=30))
    assert try_to_sign_in(other, "olga", codes, code=before).status_code == 401
    clock.advance(timedelta(seconds=30))
    assert try_to_sign_in(other, "olga", codes).status_code == 303


def test_ten_at_once_with_one_code_make_one_session(app, enrol, clock):
    codes = enrol("olga")
    clock.advance(timedelta(minutes=1))
    code, results, barrier = codes.at(clock()), [], threading.Barrier(10)

    def use():
        with app.app_context():
            barrier.wait()
            results.append(staff.sign_in("olga", PASSWORD, code, Kind.OTHER, None, clock(), keys()))

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 10
    assert len([done for done in results if done is not None]) == 1


@pytest.mark.parametrize("seconds", [-90, 90])
def test_a_code_of_another_time_is_refused(browser, enrol, try_to_sign_in, clock, seconds):
    codes = enrol("olga")
    clock.advance(timedelta(minutes=5))
    code = codes.at(clock() + timedelta(seconds=seconds))
    assert try_to_sign_in(browser, "olga", codes, code=code).status_code == 401


def test_disabling_counts_at_the_next_request(app, browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    try_to_sign_in(browser, "olga", codes)
    assert is_in(browser)
    with app.app_context():
        staff.disable_staff("olga", SYSTEM, clock())
    assert not is_in(browser)


def test_a_reset_takes_password_code_and_sessions(app, browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    try_to_sign_in(browser, "olga", codes)
    with app.app_context():
        staff.reset_staff("olga", SYSTEM, clock(), keys())
    assert not is_in(browser)
    clock.advance(timedelta(minutes=1))
    assert try_to_sign_in(browser, "olga", codes).status_code == 401


def test_an_unused_staff_session_ends_after_a_quarter_of_an_hour(
    browser, enrol, try_to_sign_in, clock
):
    try_to_sign_in(browser, "olga", enrol("olga"))
    clock.advance(timedelta(minutes=14))
    assert is_in(browser)
    clock.advance(timedelta(minutes=15))
    assert not is_in(browser)


def test_a_used_staff_session_ends_after_eight_hours(browser, enrol, try_to_sign_in, clock):
    try_to_sign_in(browser, "olga", enrol("olga"))
    for _ in range(47):
        clock.advance(timedelta(minutes=10))
        assert is_in(browser)
    clock.advance(timedelta(minutes=10))
    assert not is_in(browser)


def test_staff_sign_out_here_and_everywhere(app, browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    other = Browser(app)
    try_to_sign_in(browser, "olga", codes)
    clock.advance(timedelta(minutes=1))
    try_to_sign_in(other, "olga", codes)
    browser.submit(browser.get("/staff"), "/staff/sign-out/everywhere")
    assert not is_in(browser)
    assert not is_in(other)


def test_a_role_opens_its_pages_and_no_others(app, browser, enrol, try_to_sign_in):
    room = Pages("room_of_a_test", __name__)

    @room.get("/audit")
    @signed_in.require_staff(Role.AUDITOR, Role.OFFICER)
    def show():
        return "the log"

    app.register_blueprint(room)
    assert browser.get("/audit").headers["Location"] == "/staff/sign-in?next=%2Faudit"
    try_to_sign_in(browser, "anton", enrol("anton", "agent"))
    assert browser.get("/audit").status_code == 403
    other = Browser(app)
    try_to_sign_in(other, "olga", enrol("olga", "officer"))
    assert other.get("/audit").text == "the log"


def test_a_customer_is_no_staff_and_staff_no_customer(
    app, browser, enrol, try_to_sign_in, make_customer, sign_in
):
    make_customer("anna@example.org")
    sign_in(browser, "anna@example.org")
    assert browser.get("/staff").status_code == 303
    other = Browser(app)
    try_to_sign_in(other, "olga", enrol("olga"))
    assert other.get("/account").status_code == 303


def test_secrets_are_kept_as_hashes_or_sealed(app, browser, make_staff, clock):
    path = make_staff("olga")
    page = browser.get(path)
    with structlog.testing.capture_logs() as logged:
        codes = pyotp.TOTP(secret_on(page))
        browser.submit(page, password=PASSWORD, code=codes.at(clock()))
    with app.app_context(), reading() as tx:
        rows = repr(
            [tx.exec_driver_sql(f"SELECT * FROM {t}").all() for t in ("staff", "staff_enrolments")]  # noqa: S608  # our own tables
        )
    for secret in (PASSWORD, secret_on(page), path.rpartition("/")[2]):
        assert secret not in rows
        assert secret not in repr(logged)
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in rows


def test_nobodys_hash_takes_as_much_work_as_anybodys():
    assert passwords.NOBODYS.split("$")[:4] == passwords.hash_of("x").split("$")[:4]
    assert not passwords.matches(None, "x")


def test_secrets_follow_a_new_master_key(app, browser, enrol, try_to_sign_in, clock):
    codes = enrol("olga")
    with app.app_context():
        old = keys()
        staff.set_email("olga", "olga@example.org", SYSTEM, clock(), old)
        both = old.with_new(KeyUse.MASTER, clock())
        assert staff.count_secrets_by_master() == {old.master.id: 2}
        assert [staff.rewrap_batch(both, 1) for _ in range(3)] == [1, 1, 0]
        assert staff.count_secrets_by_master() == {both.master.id: 2}
        newest_alone = both.without(old.master.id)
        ((_, address),) = staff.list_emails(Role.OFFICER, newest_alone)
        assert address == "olga@example.org"
        clock.advance(timedelta(minutes=1))
        assert staff.sign_in(
            "olga", PASSWORD, codes.at(clock()), Kind.OTHER, None, clock(), newest_alone
        )


def test_staff_acts_are_logged(app, make_staff, clock):
    make_staff("olga")
    with app.app_context():
        staff.disable_staff("olga", SYSTEM, clock())
        with reading() as tx:
            acts = tx.exec_driver_sql("SELECT reason FROM ledger_entries ORDER BY id").all()
    assert [act[0] for act in acts] == ["staff_created", "staff_disabled"]


def test_the_command_makes_lists_and_disables(tmp_path):
    keys_file = tmp_path / "data"
    keys_file.mkdir()
    run = CliRunner().invoke
    here = ["--data-dir", str(keys_file)]
    for words in (["keys", "init"], ["migrate"]):
        assert run(main, [*here, *words]).exit_code == 0
    made = run(main, [*here, "staff", "create", "olga", "--role", "admin"])
    assert made.exit_code == 0, made.output
    assert made.stdout.strip().startswith("http://127.0.0.1:8000/staff/enrol/")
    assert run(main, [*here, "staff", "create", "olga", "--role", "admin"]).exit_code == 1
    assert run(main, [*here, "staff", "create", "Bad Name", "--role", "admin"]).exit_code == 1
    assert run(main, [*here, "staff", "create", "igor", "--role", "king"]).exit_code == 2
    assert "invited" in run(main, [*here, "staff", "list"]).stdout
    mail = [*here, "staff", "email", "olga"]
    assert run(main, [*mail, "olga@example.org"]).stdout == "olga gets letters.\n"
    assert "letters" in run(main, [*here, "staff", "list"]).stdout
    assert run(main, [*mail, "olga"]).exit_code == 1
    assert run(main, mail).stdout == "olga gets no letters.\n"
    refused = ["staff", "create", "paul", "--role", "officer", "--email", "paul"]
    assert run(main, [*here, *refused]).exit_code == 1
    assert "paul" not in run(main, [*here, "staff", "list"]).stdout
    assert run(main, [*here, "staff", "disable", "olga"]).exit_code == 0
    assert "disabled" in run(main, [*here, "staff", "list"]).stdout
