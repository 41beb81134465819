"""Letters go out through the outbox to a real mail server, and leave nothing behind."""

import socket
import ssl
from datetime import timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from pydantic import SecretStr

from consent_service.accounts import jobs, letters
from consent_service.app import create_app
from consent_service.config import Environment, SmtpSecurity, load_settings
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import NewCustomer
from consent_service.kernel.errors import MisconfiguredError
from consent_service.mail import service as mail
from consent_service.mail.model import Letter
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading
from consent_service.web.runtime import keys
from tests.support.tls import write_certificate

ANNA = "anna@example.org"
LINK = "https://consent.example.org/sign-in/link/canary-token"
LATER = timedelta(minutes=10)


class Inbox:
    """What a mail server has taken, and what it answers."""

    def __init__(self):
        self.taken = []
        self.answers = {}

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  # aiosmtpd's name
        answer = self.answers.get(address)
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        self.taken.append((envelope, session))
        return self.answers.get("DATA", "250 OK")

    def messages(self):
        return [message_from_bytes(e.content, policy=policy.default) for e, _ in self.taken]


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The path of a certificate for 127.0.0.1 with its key."""
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    return write_certificate(path, "mail.example.org", x509.IPAddress(ip_address("127.0.0.1")))


@pytest.fixture
def serve(inbox, certificate):
    """`serve(**options)`: a mail server with STARTTLS; its port."""
    running = []

    def start(*, tls=True, **options):
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            options = {"tls_context": context, "require_starttls": True, **options}
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = Controller(inbox, hostname="127.0.0.1", port=port, **options)
        server.start()
        running.append(server)
        return port

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def make_app(settings, clock, certificate):
    """`make_app(port, **changes)`: an app that sends to that port."""
    made = []

    def make(port, **changes):
        told = {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_from": "Example <privacy@example.com>",
            "smtp_ca_file": certificate,
            **changes,
        }
        made.append(create_app(settings.model_copy(update=told), clock))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def post(clock):
    """`post(app, to, language)`: a letter in the outbox, for a new customer; their id."""

    def write(app, to=ANNA, language="en"):
        with app.app_context():
            customer = customers.create_customer(NewCustomer((), {}), clock(), keys())
            life = data_keys.open_keys(customer, keys()).life
            letter = letters.sign_in_link(to, language, "Example", LINK)
            mail.post(letter, letters.SIGN_IN_LINK, customer, life, clock(), clock() + LATER)
        return customer

    return write


def deliver(app, clock):
    with app.app_context():
        return jobs.deliver_mail(clock())


def waiting(app):
    with app.app_context():
        return [letter.to for _, letter in mail.list_newest(jobs.key_of, 100)]


def test_a_letter_goes_out_encrypted_and_leaves_nothing_behind(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    post(app)
    assert deliver(app, clock) == 1
    ((envelope, session),) = inbox.taken
    assert envelope.rcpt_tos == [ANNA]
    assert envelope.mail_from == "privacy@example.com"
    assert session.ssl is not None
    assert waiting(app) == []
    assert deliver(app, clock) == 0


def test_a_letter_has_plain_text_and_html_with_the_same_link(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    post(app)
    deliver(app, clock)
    (message,) = inbox.messages()
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert LINK in text
    assert f'href="{LINK}"' in html
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")
    assert message["To"] == ANNA
    assert "src=" not in html


@pytest.mark.parametrize(
    ("language", "direction"), [("ru", "ltr"), ("zh-Hans", "ltr"), ("ar", "rtl")]
)
def test_a_letter_is_in_its_language(make_app, serve, inbox, post, clock, language, direction):
    app = make_app(serve())
    post(app, language=language)
    post(app)
    deliver(app, clock)
    there, english = inbox.messages()
    assert there["Content-Language"] == language
    assert f'<html lang="{language}" dir="{direction}">' in there.get_body(("html",)).get_content()
    assert there["Subject"] != english["Subject"]


def test_the_server_is_told_who_we_are(make_app, serve, inbox, post, clock):
    seen = []

    def check(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    app = make_app(
        serve(authenticator=check, auth_required=True),
        smtp_user="consent",
        smtp_password=SecretStr("canary-password"),
    )
    post(app)
    assert deliver(app, clock) == 1
    assert seen == [(b"consent", b"canary-password")]


def test_a_server_nobody_vouches_for_gets_nothing(make_app, serve, inbox, post, clock):
    app = make_app(serve(), smtp_ca_file=None)
    post(app)
    assert deliver(app, clock) == 0
    assert inbox.taken == []
    assert waiting(app) == [ANNA]


def test_a_server_without_encryption_gets_nothing(make_app, serve, inbox, post, clock):
    app = make_app(serve(tls=False))
    post(app)
    assert deliver(app, clock) == 0
    assert inbox.taken == []


def test_a_server_on_this_machine_may_do_without(make_app, serve, inbox, post, clock):
    app = make_app(serve(tls=False), smtp_security=SmtpSecurity.NONE)
    post(app)
    assert deliver(app, clock) == 1


def test_a_server_that_is_away_is_tried_again_with_a_growing_pause(
    make_app, serve, inbox, post, clock
):
    port = serve(tls=False)
    app = make_app(port)  # it lacks STARTTLS: as good as away
    post(app)
    tries = []
    for second in range(120):
        with structlog.testing.capture_logs() as logged:
            deliver(app, clock)
        if [each for each in logged if each["event"] == "mail:server:unreachable"]:
            tries.append(second)
        clock.advance(timedelta(seconds=1))
    assert tries == [0, 15, 45, 105]


def test_what_the_server_puts_off_goes_later(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    post(app)
    inbox.answers[ANNA] = "451 Try again later"
    assert deliver(app, clock) == 0
    assert waiting(app) == [ANNA]
    inbox.answers.clear()
    assert deliver(app, clock) == 0
    clock.advance(timedelta(seconds=15))
    assert deliver(app, clock) == 1
    assert waiting(app) == []


@pytest.mark.parametrize("answers", [{ANNA: "550 No such person"}, {"DATA": "554 No"}])
def test_what_the_server_refuses_for_good_is_given_up(make_app, serve, inbox, post, clock, answers):
    app = make_app(serve())
    post(app)
    inbox.answers |= answers
    deliver(app, clock)
    assert waiting(app) == []


def test_one_bad_letter_keeps_no_other_back(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    for to in ("a@example.org", "bad@example.org", "b\r\nBcc: c@example.org", "c@example.org"):
        post(app, to)
    inbox.answers["bad@example.org"] = "550 No such person"
    deliver(app, clock)
    assert [envelope.rcpt_tos for envelope, _ in inbox.taken] == [
        ["a@example.org"],
        ["c@example.org"],
    ]
    assert waiting(app) == []


def test_what_no_longer_holds_is_not_sent(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    post(app)
    clock.advance(LATER)
    assert deliver(app, clock) == 0
    assert inbox.taken == []
    assert waiting(app) == []


def test_a_letter_whose_customer_was_erased_is_not_sent(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    customer = post(app)
    with app.app_context(), db.engine.begin() as tx:
        tx.exec_driver_sql("DELETE FROM customer_keys")
    assert customer is not None
    assert deliver(app, clock) == 0
    assert inbox.taken == []


def test_nothing_personal_stands_in_rows_or_logs(make_app, serve, inbox, post, clock):
    app = make_app(serve())
    inbox.answers["bad@example.org"] = "550 <bad@example.org> no such person"
    with structlog.testing.capture_logs() as logged:
        post(app)
        post(app, "bad@example.org")
        with app.app_context(), reading() as tx:
            rows = repr(tx.exec_driver_sql("SELECT * FROM mail_outbox").all())
        deliver(app, clock)
    for canary in (ANNA, "bad@", "canary-token", "sign-in/link", "Example"):
        assert canary not in rows
        assert canary not in repr(logged)


def test_a_letter_to_no_customer_is_sealed_under_the_services_key(make_app, serve, inbox, clock):
    app = make_app(serve())
    letter = Letter("staff@example.org", "en", "Subject", "Text", "<p>Text</p>")
    with app.app_context():
        mail.post(letter, "test", None, keys().master, clock(), clock() + LATER)
        with reading() as tx:
            rows = repr(tx.exec_driver_sql("SELECT * FROM mail_outbox").all())
    assert "staff@" not in rows
    assert deliver(app, clock) == 1


def test_without_a_server_letters_wait(make_app, post, clock):
    app = make_app(1, smtp_host=None)
    post(app)
    assert deliver(app, clock) == 0
    assert waiting(app) == [ANNA]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"smtp_host": "mail.example.org"}, "CONSENT_SMTP_FROM"),
        ({"smtp_user": "consent"}, "CONSENT_SMTP_PASSWORD"),
        (
            {
                "smtp_host": "mail.example.org",
                "smtp_from": "a@example.org",
                "smtp_security": "none",
            },
            "CONSENT_SMTP_SECURITY",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path, given, named):
    with pytest.raises(MisconfiguredError, match=named):
        load_settings(data_dir=tmp_path, environment=Environment.PRODUCTION, **given)
