"""A worker that is killed while it seals: the log goes on where it was, and nothing is lost."""

import random
import time

import pytest

from consent_service.app import create_app
from consent_service.crypto import keyring as keyrings
from consent_service.storage.db import db
from tests.support import log
from tests.support.processes import Command, within


@pytest.mark.long
def test_a_killed_sealer_loses_and_doubles_nothing(settings, store, keyring, tmp_path):
    key_file = tmp_path / "keys.json"
    keyrings.FileProvider(key_file).save(keyring)
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(key_file)}
    chance, appended = random.Random(7), 0
    app = create_app(settings)
    with app.app_context():
        for _ in range(5):
            worker = Command("worker", environment=around)
            try:
                size = signed()
                appended += len(log.append(400))
                within(20, lambda before=size: signed() > before)
                for _ in range(20):
                    appended += len(log.append(40))
                    time.sleep(chance.random() / 50)
            finally:
                worker.clear()  # by SIGKILL
            log.verify()
        log.seal()
        assert log.verify().leaves == appended == log.newest().size
        db.engine.dispose()


def signed():
    """How many leaves the newest checkpoint is of."""
    return log.newest().size if log.has_checkpoint() else 0
