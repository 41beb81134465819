"""A witness that does not let go of the line: the log is sealed all the same, and a worker that is
told to stop stops."""

import time
from datetime import timedelta

import pytest

from consent_service.app import create_app
from consent_service.crypto import keyring as keyrings
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.storage.db import db
from consent_service.web.runtime import keys
from consent_service.witnesses import service
from consent_service.witnesses.model import Kind
from tests.support import log, witness
from tests.support.processes import Command, within


@pytest.mark.long
def test_the_log_does_not_wait_for_a_witness(settings, store, keyring, tmp_path):
    key_file = tmp_path / "keys.json"
    keyrings.FileProvider(key_file).save(keyring)
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(key_file)}
    app = create_app(settings)
    with app.app_context(), witness.running() as server:
        server.says.append(lambda *_: time.sleep(6))
        service.add_witness(
            "slow", Kind.WEBHOOK, server.url, SYSTEM, utc_now(), keys(),
            verifier=server.vkey, private=True, every=timedelta(minutes=1),
        )  # fmt: skip
        worker = Command("worker", environment=around)
        try:
            within(20, lambda: server.asked)
            for _ in range(5):
                size = log.newest().size
                log.append()
                within(2, lambda before=size: log.newest().size > before)
            assert len(server.asked) == 1  # it still has the first one on the line
        finally:
            worker.end()
        db.engine.dispose()
