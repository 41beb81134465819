"""What the worker asks before it claims a job: no where nothing waits, yes where something does."""

from datetime import timedelta

import pytest

from consent_service.accounts import store as accounts
from consent_service.accounts.model import LinkRequest
from consent_service.app import create_app
from consent_service.cli.worker import APART, JOBS
from consent_service.consents import confirming_store as confirmations
from consent_service.crypto.envelope import Sealed
from consent_service.kernel.ids import new_uuid
from consent_service.mail import store as mail
from consent_service.mail.model import Waiting
from consent_service.packages import store as packages
from consent_service.packages.model import Package, PackageState
from consent_service.privacy_requests import store as requests
from consent_service.privacy_requests.model import Intake, Request, RequestKind, RequestState
from consent_service.recipients import store as tasks
from consent_service.recipients.model import Task, TaskOutcome
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.witnesses import store as witnesses
from consent_service.witnesses.model import Kind, Witness

SEALED = Sealed(b"sealed")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ASKED = {name: job.waits for name, job in (JOBS | APART).items() if job.waits}


def a_link_request(tx, due):
    accounts.add_request(tx, LinkRequest(new_uuid(), b"1" * 32, SEALED, due))


def a_yes_to_confirm(tx, due):
    confirmations.add_waiting(tx, [(new_uuid(), new_uuid())], due)


def an_intake(tx, due):
    requests.add_intake(tx, Intake(new_uuid(), SEALED, due))


def a_letter(tx, due):
    mail.add(tx, [Waiting(new_uuid(), new_uuid(), "kind", SEALED, due, due + DAY)])


def a_package(tx, due, *, state=PackageState.WAITING):
    made = Package(new_uuid(), new_uuid(), new_uuid(), state, due - DAY, due, leased_until=due)
    packages.add(tx, made)


def a_request(tx, due, *, state=RequestState.APPROVED, held=False):
    made, kind = new_uuid(), RequestKind.ERASURE
    new = Request(made, made, False, kind, state, due, due + DAY, True, None, held=held)
    requests.add_request(tx, new)


def a_task(tx, due, *, over=False):
    kind = RequestKind.ERASURE
    new = Task(new_uuid(), new_uuid(), "mailer", kind, due, SEALED, due)
    tasks.add(tx, [new])
    if over:
        assert tasks.end(tx, new, TaskOutcome.SETTLED, None, due)


def a_witness(tx, due, *, disabled=False):
    made, name = new_uuid(), "file"
    assert witnesses.add(tx, Witness(made, name, Kind.FILE, SEALED, None, False, DAY, due, due))
    if disabled:
        assert witnesses.disable(tx, name, due)


SOMETHING = {
    "accounts.send_links": a_link_request,
    "consents.send_confirmations": a_yes_to_confirm,
    "privacy_requests.look_up": an_intake,
    "mail.deliver": a_letter,
    "packages.build": a_package,
    "privacy_requests.carry_out": a_request,
    "recipients.reach": a_task,
    "witnesses.send": a_witness,
}
OVER = [
    ("packages.build", a_package, {"state": PackageState.READY}),
    ("privacy_requests.carry_out", a_request, {"state": RequestState.DONE}),
    ("privacy_requests.carry_out", a_request, {"held": True}),
    ("recipients.reach", a_task, {"over": True}),
    ("witnesses.send", a_witness, {"disabled": True}),
]
LATER = ["mail.deliver", "packages.build", "recipients.reach", "witnesses.send"]


@pytest.fixture
def settings(settings):
    """With a mail server: without one, letters wait for nobody."""
    told = {"smtp_host": "127.0.0.1", "smtp_from": "privacy@example.org"}
    return settings.model_copy(update=told)


@pytest.fixture
def in_app(app):
    with app.app_context():
        yield app


def add(make, *given, **parts):
    with unit_of_work() as tx:
        make(tx, *given, **parts)


def test_all_that_is_due_within_seconds_is_asked_for():
    quick = {n for n, job in (JOBS | APART).items() if job.every <= timedelta(seconds=5)}
    assert quick == SOMETHING.keys() == ASKED.keys()


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize("name", sorted(SOMETHING))
def test_it_waits_once_it_is_there(name, clock):
    assert not any(waits(clock()) for waits in ASKED.values())
    add(SOMETHING[name], clock())
    assert [one for one, waits in ASKED.items() if waits(clock())] == [name]


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize("name", LATER)
def test_it_does_not_wait_before_its_time(name, clock):
    add(SOMETHING[name], clock() + SECOND)
    assert not ASKED[name](clock())
    assert ASKED[name](clock.advance(SECOND))


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize(("name", "make", "parts"), OVER)
def test_what_is_over_waits_no_more(name, make, parts, clock):
    add(make, clock(), **parts)
    assert not ASKED[name](clock())


def test_a_letter_waits_for_a_mail_server(clock, settings):
    app = create_app(settings.model_copy(update={"smtp_host": None}), clock)
    with app.app_context():
        add(a_letter, clock())
        assert not ASKED["mail.deliver"](clock())
        db.engine.dispose()
