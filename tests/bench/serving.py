"""The service as it is run, filled with the sample, beside the yardstick."""

import json
import subprocess
import sys
from base64 import b64encode
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.request import Request, urlopen

from consent_service.app import create_app
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.config import Settings
from consent_service.consents.service import count_to_ask_again
from consent_service.crypto import keyring
from consent_service.customers import service as customers
from consent_service.imports import service as imports
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.oauth import service as oauth
from consent_service.oauth.model import Scope
from consent_service.storage import migrations
from consent_service.storage.db import db
from consent_service.web.runtime import keys
from tests.bench.imports import sample_catalogue, sample_list
from tests.support.processes import Command, free_port, get, within

NEWSLETTER = "marketing.newsletter"


@contextmanager
def service(url):
    """`consent serve` on a store that is filled with the sample: its address, a token for
    everything, and the people in it."""
    ring = keyring.dump(keyring.generate(utc_now()))
    port = free_port()
    filled = _fill(Settings(database_url=url, keyring=ring))
    environment = {
        "CONSENT_DATABASE_URL": url,
        "CONSENT_KEYRING": ring,
        "CONSENT_PORT": str(port),
        "CONSENT_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = Command("serve", environment=environment)
    try:
        within(30, lambda: get(port, "/readyz") == 200)
        address = f"http://127.0.0.1:{port}"
        token = lambda: _token(address, *filled.client)  # noqa: E731  # one line, used here alone
        yield SimpleNamespace(
            address=address, token=token, people=filled.people, command=command,
            environment=environment,
        )  # fmt: skip
        command.end()
    finally:
        command.clear()


@contextmanager
def yardstick():
    """A bare route on gunicorn's synchronous workers: its address."""
    port = free_port()
    arguments = ["-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error", "tests.bench.bare"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *arguments])
    try:
        within(30, lambda: get(port, "/") is not None)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _fill(settings):
    app = create_app(settings)
    with app.app_context():
        migrations.migrate()
        catalogues.load_catalogue(
            sample_catalogue().read_text(), SYSTEM, utc_now(), count_to_ask_again
        )
        options = ImportOptions(NEWSLETTER, Channel.EMAIL, "import")
        imports.import_mailchimp(
            sample_list(), options, SYSTEM, utc_now(), keys(), lambda _: None, utc_now
        )
        made = oauth.create_client(
            "bench", "bench", frozenset(Scope), ("email_service",), SYSTEM, utc_now()
        )
        people = customers.list_sample(keys(), 3_000)
        db.engine.dispose()
    return SimpleNamespace(client=(made.client_id, made.secret), people=people)


def _token(address, client_id, secret):
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    asked = Request(  # noqa: S310  # the service just started
        f"{address}/oauth/token",
        b"grant_type=client_credentials",
        {"Authorization": f"Basic {basic}"},
    )
    with urlopen(asked) as reply:  # noqa: S310  # as above
        return json.load(reply)["access_token"]
