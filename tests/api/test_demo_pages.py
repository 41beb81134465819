"""Pages of the demo alone: links that sign in, and a mailbox in place of a mail server."""

import pytest

from consent_service.accounts import demo, jobs
from consent_service.app import create_app
from consent_service.catalogue import service as catalogues
from consent_service.config import Environment
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import MisconfiguredError
from consent_service.storage.db import db
from consent_service.web.runtime import keys
from tests.conftest import SAMPLE
from tests.support.pages import Browser, links_in

ANNA = "anna@example.org"


@pytest.fixture
def demo_app(settings, clock):
    made = create_app(settings.model_copy(update={"environment": Environment.DEMO}), clock)
    with made.app_context():
        catalogues.load_catalogue(SAMPLE.read_bytes(), SYSTEM, clock(), lambda *_: 0)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def anna(demo_app, clock):
    address = identifier(IdentifierType.EMAIL, ANNA)
    with demo_app.app_context():
        return customers.create_customer(NewCustomer((address,), {}), clock(), keys())


@pytest.fixture
def links(demo_app, anna, clock):
    with demo_app.app_context():
        demo.make_staff(clock(), keys())
        demo.make_staff(clock(), keys())
        return demo.sign_in_links("", anna, keys())


def test_a_link_for_each_role(links):
    assert set(links) == {"customer", "officer", "agent", "auditor", "admin"}
    assert all(ANNA not in link for link in links.values())


def test_the_links_sign_in_again_and_again(demo_app, links):
    for _ in range(2):
        for role, link in links.items():
            browser = Browser(demo_app)
            home = "/choices" if role == "customer" else "/staff"
            assert browser.get(link).headers["Location"] == home
            assert browser.get(home).status_code == 200


def test_a_link_cannot_be_guessed(demo_app, links):
    guessed = links["admin"].rpartition("/")[0] + "/" + "0" * 32
    assert Browser(demo_app).get(guessed).status_code == 404


def test_the_mailbox_shows_letters_with_their_links(demo_app, anna, clock):
    browser = Browser(demo_app)
    assert "No letters" in browser.get("/demo/mailbox").text
    sent = browser.follow(browser.submit(browser.get("/sign-in"), email=ANNA))
    assert 'href="/demo/mailbox"' in sent.text
    with demo_app.app_context():
        jobs.send_links(clock())
        jobs.deliver_mail(clock())
    box = browser.get("/demo/mailbox")
    assert ANNA in box.text
    (link, *_) = [path for path in links_in(box.text) if path.startswith("/sign-in/link/")]
    assert browser.submit(browser.get(link)).status_code == 303


def test_production_has_no_demo_pages(app, browser, settings):
    assert [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/demo")] == []
    assert browser.get("/demo/mailbox").status_code == 404
    with pytest.raises(MisconfiguredError):
        demo.init_app(app, settings)
