"""A restore that is killed at any statement leaves nothing, or a store that answers nothing."""

import os
import signal

import pytest
from sqlalchemy import event

from consent_service.storage.db import db
from tests.storage.test_backup import ready
from tests.support.restoring import Keeper, restore


@pytest.fixture
def keeper(shop, keyring, tmp_path, contract):
    return Keeper(shop, keyring, tmp_path, contract)


def killed(keeper, directory, url, at):
    """Restores in a process that is killed before a statement; whether it came to that."""
    with keeper.shop.app.app_context():
        db.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            _die(keeper, directory, url, at)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die(keeper, directory, url, at):
    with keeper.on(url) as found:
        seen = []

        def count(*_):
            seen.append(1)
            if len(seen) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        with found.app.app_context():
            event.listen(db.engine, "before_cursor_execute", count)
            event.listen(db.engine, "commit", count)
        restore(found.app, directory, found.clock)


@pytest.mark.long
def test_a_killed_restore_is_started_again(shop, keeper, empty_store):
    ann = shop.customer()
    shop.say(ann, "given")
    directory = keeper.back_up()
    at = 1
    while killed(keeper, directory, empty_store, at):
        with keeper.on(empty_store) as found:
            assert ready(found).status_code == 503
        at = at * 2 + 1
    assert at > 60
    with keeper.on(empty_store) as found:
        assert ready(found).json["code"] == "not_replayed"
        keeper.finish(found, nothing=True)
        assert found.reason(ann) == "consent_given"
