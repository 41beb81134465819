"""What the tests of the API and of the pages ask for."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from consent_service.accounts import jobs
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.mail import service as mail
from consent_service.storage.db import db
from consent_service.web.runtime import keys
from tests.support.pages import Browser, links_in


@pytest.fixture
def make_customer(app, clock):
    """`make_customer(email, **changes)`: the id of a new customer with that address."""

    def make(email=None, **changes):
        found = () if email is None else (identifier(IdentifierType.EMAIL, email),)
        with app.app_context():
            return customers.create_customer(
                NewCustomer(
                    changes.pop("identifiers", found), changes.pop("profile", {}), **changes
                ),
                clock(),
                keys(),
            )

    return make


@pytest.fixture
def browser(app):
    return Browser(app)


@pytest.fixture
def post_room(app, clock):
    """`post_room()`: the worker writes the letters that were asked for; all that wait, opened,
    the newest first."""

    def work():
        with app.app_context():
            jobs.send_links(clock())
            return [letter for _, letter in mail.list_newest(jobs.key_of, 100)]

    return work


@pytest.fixture
def ask_for_link(post_room):
    """`ask_for_link(browser, email)`: the path of the link that the letter brings."""

    def ask(browser, email, path="/sign-in"):
        browser.submit(browser.get(path), email=email)
        (link, *_) = [p for p in links_in(post_room()[0].text) if p.startswith("/sign-in/link/")]
        return link

    return ask


@pytest.fixture
def sign_in(ask_for_link):
    """`sign_in(browser, email)`: the reply to the button of the link."""

    def through(browser, email, path="/sign-in"):
        link = ask_for_link(browser, email, path)
        return browser.submit(browser.get(link))

    return through


@pytest.fixture
def count_statements(app):
    """`with count_statements() as seen`: the statements sent to the store, less their values."""

    @contextmanager
    def counting():
        seen = []

        def note(_, __, statement, *___):
            seen.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting
