"""A worker that is killed while it lets entries go: what went is whole, and the rest goes later."""

from datetime import timedelta

import pytest

from consent_service.app import create_app
from consent_service.catalogue.jobs import forget_entries
from consent_service.crypto import keyring as keyrings
from consent_service.kernel.clock import utc_now
from consent_service.ledger import service
from consent_service.storage.db import db
from tests.support import log
from tests.support.processes import Command, within

COUNT = 20_000


@pytest.mark.long
@pytest.mark.usefixtures("sample_catalogue")
def test_a_worker_killed_while_entries_go_leaves_whole_batches(settings, store, keyring, tmp_path):
    key_file = tmp_path / "keys.json"
    keyrings.FileProvider(key_file).save(keyring)
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(key_file)}
    with create_app(settings).app_context():
        first = utc_now() - timedelta(days=2_000)
        ids = [log.id_of(first + timedelta(minutes=n)) for n in range(COUNT)]
        service.append([log.an_entry(one) for one in ids])
        log.seal()
        worker = Command("worker", environment=around)
        try:
            within(30, lambda: log.count() < COUNT)
        finally:
            worker.clear()  # by SIGKILL
        assert log.verify().erased == COUNT + 1 - log.count()  # and the catalogue's
        while forget_entries(utc_now()):
            pass
        assert log.count() == 1
        assert log.verify().erased == COUNT
        db.engine.dispose()
