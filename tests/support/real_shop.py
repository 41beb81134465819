"""A shop on the clock of the machine, for tests with a worker of its own beside them."""

from contextlib import contextmanager

from consent_service.app import create_app
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from tests.support.contract import Api
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop


@contextmanager
def real_shop(settings, contract):
    """A shop on the store of these settings."""
    app = create_app(settings)
    client = app.test_client()
    with app.app_context():
        made = oauth.create_client("shop", "shop", EVERYTHING, RECIPIENTS, SYSTEM, utc_now())

    def token_for(made):
        asked = {"grant_type": "client_credentials"}
        reply = client.post("/oauth/token", data=asked, auth=(made.client_id, made.secret))
        return reply.json["access_token"]

    found = Shop(app, utc_now, lambda token: Api(client, contract, token), made, token_for)
    found.load()
    yield found
    with app.app_context():
        db.engine.dispose()
