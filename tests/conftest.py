"""What every test may ask for: real stores, real keys, a clock that stands still."""

import os
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest

from consent_service import openapi
from consent_service.app import create_app
from consent_service.catalogue import service as catalogue
from consent_service.crypto import keyring as keyrings
from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from tests.support import compiling, network, postgres, routing, stores
from tests.support.clock import START, FrozenClock
from tests.support.contract import Api, Contract
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop

SAMPLE = Path(openapi.__file__).parent / "catalogue/sample/catalogue.yaml"

hypothesis.settings.register_profile("tests", deadline=None)  # a slow machine is no fault
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=3_000)
hypothesis.settings.load_profile(os.environ.get("CONSENT_TEST_PROFILE", "tests"))

REQUIRE_ALL = bool(os.environ.get("CONSENT_REQUIRE_ALL"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _required((yield))


def _required(report):
    """Where everything must run, what was skipped has failed."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CONSENT_REQUIRE_ALL is set, and this was skipped: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside():
    """No other machine is in reach, and no setting of whoever runs the tests counts. Routes are
    compiled once."""
    with pytest.MonkeyPatch.context() as patches:
        network.switch_off(patches)
        routing.compile_once(patches)
        for name in list(os.environ):
            if name.startswith("CONSENT_") and name != postgres.URL_VARIABLE:
                patches.delenv(name)
        yield


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture(scope="session")
def keyring():
    return keyrings.generate(START)


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory):
    return stores.SqliteStores(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_stores():
    try:
        with postgres.server() as url, closing(stores.PostgresStores(url)) as made:
            yield made
    except postgres.NoPostgres as why:
        pytest.skip(str(why))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    """The URL of a migrated, empty database of this test alone, on each kind of store."""
    kinds = {"sqlite": "sqlite_stores", "postgresql": "postgres_stores"}
    with request.getfixturevalue(kinds[request.param]).fresh() as url:
        yield url


@pytest.fixture
def empty_store(request, store):
    """The URL of a database without tables, of the same kind."""
    kind = "sqlite_stores" if store.startswith("sqlite") else "postgres_stores"
    with request.getfixturevalue(kind).empty() as url:
        yield url


@pytest.fixture
def settings(store, keyring):
    return stores.settings_for(store, keyring)


@pytest.fixture
def app(settings, clock):
    made = create_app(settings, clock)
    with made.app_context():
        compiling.compile_once(db.engine)
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def make_client(app, clock):
    """`make_client(name, scopes, recipients=())`: a client's id and its secret."""

    def make(name, scopes, recipients=()):
        with app.app_context():
            return oauth.create_client(
                name, name, frozenset(scopes), tuple(recipients), SYSTEM, clock()
            )

    return make


@pytest.fixture
def token_for(client):
    """`token_for(client)`: an access token, got as a client gets it."""

    def get(made):
        reply = client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.client_id, made.secret),
        )
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.json["access_token"]

    return get


@pytest.fixture(scope="session")
def contract():
    return Contract(openapi.document())


@pytest.fixture
def api(client, contract):
    """`api(token)`: sends JSON with that token, and holds every reply against the document."""
    return lambda token=None: Api(client, contract, token)


@pytest.fixture
def sample_catalogue(app, clock):
    """The sample catalogue, loaded."""
    with app.app_context():
        return catalogue.load_catalogue(
            SAMPLE.read_text(encoding="utf-8"), SYSTEM, clock(), lambda *_: 0
        )


@pytest.fixture
def open_shop(app, clock, api, make_client, token_for):
    """`open_shop(name, scopes, recipients)`: a client of its own, in few words."""

    def make(name, scopes=EVERYTHING, recipients=RECIPIENTS):
        return Shop(app, clock, api, make_client(name, scopes, recipients), token_for)

    return make


@pytest.fixture
def shop(open_shop):
    """A client that may do everything, and the small catalogue in force."""
    made = open_shop("shop")
    made.load()
    return made
