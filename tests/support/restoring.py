"""A shop's store backed up, and put back into another one."""

from contextlib import contextmanager

from consent_service.app import create_app
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.operations import backing_up, replaying, restoring
from consent_service.operations.following import Follower
from consent_service.operations.journal import Journal
from consent_service.storage.db import db
from consent_service.web.runtime import keys, runtime
from tests.support import stores
from tests.support.contract import Api
from tests.support.log import seal
from tests.support.shop import Shop

OLGA = Actor(ActorKind.STAFF, "olga")


class Keeper:
    """What operators do with a shop's store. `directory` is where files go."""

    def __init__(self, shop, ring, directory, contract):
        self.shop, self.directory, self.journal = shop, directory, directory / "journal"
        self._ring, self._contract = ring, contract
        self._follower = None

    def back_up(self, name="backup"):
        with self.shop.app.app_context():
            seal()
            backing_up.take_backup(self.directory / name, self.shop.clock(), keys())
        return self.directory / name

    def erased_list(self, name="erased-now.txt"):
        with self.shop.app.app_context():
            backing_up.export_erased(self.directory / name, self.shop.clock(), keys())
        return self.directory / name

    def follow(self):
        """The worker's part: seals, and writes the journal."""
        with self.shop.app.app_context():
            seal()
            if self._follower is None:
                self.journal.mkdir(exist_ok=True)
                base_url, now = runtime().settings.base_url, self.shop.clock()
                self._follower = Follower(Journal(self.journal, keys()), base_url, now)
            return self._follower.follow(self.shop.clock(), keys())

    @contextmanager
    def restored(self, directory, url, *, ring=None, **more):
        """The shop as it finds itself on the store that was put back."""
        with self.on(url, ring) as found:
            restore(found.app, directory, found.clock, **more)
            yield found

    @contextmanager
    def on(self, url, ring=None):
        app = create_app(stores.settings_for(url, ring or self._ring), self.shop.clock)
        client = app.test_client()

        def token_for(made):
            reply = client.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(made.client_id, made.secret),
            )
            assert reply.status_code == 200, reply.json
            return reply.json["access_token"]

        def api(token=None):
            return Api(client, self._contract, token)

        try:
            yield Shop(app, self.shop.clock, api, self.shop._made, token_for)
        finally:
            with app.app_context():
                db.engine.dispose()

    def finish(self, shop, *erased, journal=None, nothing=False, unchanged=None):
        unchanged = nothing if unchanged is None else unchanged
        with shop.app.app_context():
            base_url, now = runtime().settings.base_url, shop.clock()
            return replaying.finish(
                erased, journal, nothing, unchanged, base_url, OLGA, now, keys()
            )


def restore(app, directory, clock, keys_file=None, erased=(), known=()):
    with app.app_context():
        base_url = runtime().settings.base_url
        return restoring.restore(
            directory, keys_file, erased, known, base_url, OLGA, clock(), keys()
        )
