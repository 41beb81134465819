"""The demo in a real browser: Chromium, driven by Playwright, with axe from npm."""

import re
import shutil
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import update

from consent_service.accounts import demo, jobs, staff
from consent_service.accounts.tables import SessionRow
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.cli import sample
from consent_service.config import Environment
from consent_service.consents import jobs as consents_jobs
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.crypto.spool import Spool
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.decisions.model import Question
from consent_service.disclosures import service as disclosures
from consent_service.disclosures.model import Use
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import decode
from consent_service.mail import service as mail
from consent_service.oauth import grant_service
from consent_service.oauth import service as oauth
from consent_service.oauth.model import Caller, ClientKind
from consent_service.packages import jobs as packages_jobs
from consent_service.portal import widget
from consent_service.preference_links import service as preference_links
from consent_service.preference_links.model import Mailing
from consent_service.privacy_requests import deciding, intake, letters
from consent_service.privacy_requests import jobs as requests_jobs
from consent_service.privacy_requests.model import IdentityProof, RequestKind, parse_request_id
from consent_service.privacy_requests.sealing import Asked
from consent_service.recipients import service as recipients
from consent_service.recipients.model import TaskOutcome
from consent_service.screenings import model as screenings_model
from consent_service.screenings import service as screenings
from consent_service.screenings.model import FormKind
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.conftest import SAMPLE
from tests.support import npm, stores
from tests.support.oauth import REDIRECT, VERIFIER, challenge_of
from tests.support.served import serve

ANNA = "anna@example.org"
PHONE = {"width": 320, "height": 640}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium found: pages are not tried in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The source of axe."""
    try:
        modules = npm.node_modules(tmp_path_factory.mktemp("npm"))
    except npm.NoNpm as why:
        pytest.skip(f"pages are not tried with axe: {why}")
    return (modules / "axe-core/axe.min.js").read_text()


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: what is tried here is what a browser makes of a page."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def site(store, keyring):
    """The demo, with a customer, sample staff and an app; `address`, and `paths` by name."""
    settings = stores.settings_for(store, keyring)
    with serve(settings.model_copy(update={"environment": Environment.DEMO})) as running:
        now = utc_now()
        with running.app.app_context():
            address = identifier(IdentifierType.EMAIL, ANNA)
            anna = customers.create_customer(NewCustomer((address,), {}), now, keys())
            demo.make_staff(now, keys())
            links = demo.sign_in_links("", anna, keys())
            catalogues.load_catalogue(SAMPLE.read_text(encoding="utf-8"), SYSTEM, now, lambda *_: 0)
            sample.ask_about(anna)
            request = asked_for(anna, now)
            enrol = staff.create_staff("olga", ["officer"], SYSTEM, now, keys()).token
            oauth.create_client(
                "loyalty", "Loyalty Club", frozenset({"customers:read", "consents:write"}), (),
                SYSTEM, now, kind=ClientKind.APP, redirect_uris=(REDIRECT,),
            )  # fmt: skip
            everything = frozenset({"customers:read", "consents:write"})
            challenge = challenge_of(VERIFIER)
            grant_service.allow("loyalty", anna, REDIRECT, everything, challenge, str, now)
            mailing = Mailing(anna, "marketing.newsletter", Channel.EMAIL)
            (mailed,) = preference_links.make_links([mailing], [""], now, keys())
            device = identifier(IdentifierType.DEVICE, "a-browser-of-annas")
            other = customers.create_customer(NewCustomer((device,), {}), now, keys())
            said_no = NewEvent(
                other, "analytics.product", EventKind.REFUSED, None, None, None, "web", now
            )
            consents.record_consent(said_no, SYSTEM, now, keys())
            tie = widget.make_tie(device, now, keys())
        allow = (
            "/oauth/authorize?response_type=code&client_id=loyalty&state=s&code_challenge_method=S256"
            f"&redirect_uri={REDIRECT}&code_challenge={challenge_of(VERIFIER)}"
        )
        links |= {
            "unsubscribe": f"/unsubscribe/{mailed.unsubscribe}",
            "preferences": f"/preferences/{mailed.preferences}",
            "device": f"/devices/{tie}",
        }
        paths = {**links, "request": request, "enrol": f"/staff/enrol/{enrol}", "allow": allow}

        def say_no_elsewhere():
            with running.app.app_context():
                no = NewEvent(
                    anna, "marketing.newsletter", EventKind.REFUSED, None, None, None, "store",
                    utc_now(),
                )  # fmt: skip
                consents.record_consent(no, SYSTEM, utc_now(), keys())

        yield SimpleNamespace(
            app=running.app,
            address=running.issuer,
            paths=paths,
            say_no_elsewhere=say_no_elsewhere,
            office=Office(running.app),
        )


class Office:
    """What others do meanwhile: staff, recipients, the worker, the clock."""

    def __init__(self, app):
        self.app = app

    def load(self, **changes):
        """Changes the catalogue: lines of its top level by their key, or every `retention_days`
        in turn."""
        text = SAMPLE.read_text(encoding="utf-8")
        days = iter(changes.pop("retention_days", ()))
        text = re.sub(r"(?m)(?<=^    retention_days: )\d+$", lambda m: str(next(days, m[0])), text)
        for key, value in changes.items():
            text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
        with self.app.app_context():
            catalogues.load_catalogue(text, SYSTEM, utc_now(), lambda *_: 0)

    def approve(self, request):
        with self.app.app_context():
            request_id = parse_request_id(request)
            deciding.approve_request(request_id, IdentityProof.DOCUMENT, SYSTEM, utc_now(), keys())

    def work(self):
        with self.app.app_context():
            requests_jobs.carry_out(utc_now())
            packages_jobs.build(utc_now())
            requests_jobs.carry_out(utc_now())

    def answer(self, request):
        """Every recipient says that it holds nothing."""
        with self.app.app_context():
            for task in recipients.list_of(parse_request_id(request)):
                recipients.confirm(
                    task.id, [task.recipient], TaskOutcome.NOTHING_HELD, None, utc_now()
                )

    def use_audience(self, customer, purpose):
        """An audience of one, and a use of it."""
        with self.app.app_context():
            found = catalogues.current().purposes[purpose]
            question = Question(purpose, Channel.EMAIL, None, found.recipients[0])
            asked = screenings_model.Request(question, {}, FormKind.NDJSON, None)
            who = Caller("x", frozenset(), (), None)
            with Spool() as body:
                body.write(f'"{customer}"\n'.encode())
                summary, _ = screenings.screen(body, asked, who.client_id, utc_now(), keys())
            made = decode("scr", summary.screening_id, 2)[1]
            use = Use(found.data_categories[:1], found.recipients[0], "web", utc_now())
            disclosures.record_audience_use(use, made, who, utc_now(), keys())

    def let_minutes_pass(self):
        """Every sign-in is of some time ago."""
        with self.app.app_context(), unit_of_work() as tx:
            tx.execute(update(SessionRow).values(fresh_until=utc_now() - timedelta(minutes=1)))


def asked_for(customer, now):
    """The path of the link in the letter about a request of a customer."""
    intake.submit(Asked(customer, SYSTEM, None), RequestKind.ERASURE, None, now, keys())
    intake.look_up(letters.Site("", "Demo"), now, keys())
    ((_, letter),) = mail.list_newest(jobs.key_of, 1)
    mail.delete_expired(now + timedelta(days=2))  # the mailbox is empty at first
    return next(line for line in letter.text.splitlines() if line.startswith("/requests/"))


@pytest.fixture
def deliver(site):
    """Has the worker's jobs done: links made, letters sent."""

    def act():
        with site.app.app_context():
            jobs.send_links(utc_now() + timedelta(seconds=5))
            consents_jobs.send_confirmations(utc_now() + timedelta(seconds=5))
            jobs.deliver_mail(utc_now() + timedelta(seconds=5))

    return act


@pytest.fixture
def visit(site, chromium):
    """`with visit(language="ar", …) as page`: a browser of its own, that fails the test when a
    page breaks its own policy, writes an error, or asks another machine for anything."""

    @contextmanager
    def open_page(language="en", scheme="light", viewport=PHONE, **more):
        context = chromium.new_context(
            base_url=site.address, locale=language, color_scheme=scheme, viewport=viewport, **more
        )
        troubles = []
        page = context.new_page()
        page.on("console", lambda said: _note(said, troubles))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: _note_request(asked, site.address, troubles))
        try:
            yield page
            assert troubles == []
        finally:
            context.close()

    return open_page


def _note(said, troubles):
    answered = "the server responded with a status of" in said.text
    if said.type in ("error", "warning") and not answered:
        troubles.append(said.text)


def _note_request(asked, address, troubles):
    if not asked.url.startswith((address, "data:", REDIRECT)):
        troubles.append(asked.url)
