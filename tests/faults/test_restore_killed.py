"""A restore that is killed at any statement leaves nothing, or a store that answers nothing; and
nobody who was shut out is let in by one that was killed at its end."""

import os
import signal
from datetime import timedelta

import pytest
from sqlalchemy import event

from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import service
from consent_service.storage.db import db
from tests.storage.test_backup import ready
from tests.support.restoring import Keeper, restore


@pytest.fixture
def keeper(shop, keyring, tmp_path, contract):
    return Keeper(shop, keyring, tmp_path, contract)


def killed(keeper, url, at, act):
    """Does it in a process that is killed before a statement; whether it came to that."""
    with keeper.shop.app.app_context():
        db.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            _die(keeper, url, at, act)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die(keeper, url, at, act):
    with keeper.on(url) as found:
        seen = []

        def count(*_):
            seen.append(1)
            if len(seen) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        with found.app.app_context():
            event.listen(db.engine, "before_cursor_execute", count)
            event.listen(db.engine, "commit", count)
        act(found)


@pytest.mark.long
def test_a_killed_restore_is_started_again(shop, keeper, empty_store):
    ann = shop.customer()
    shop.say(ann, "given")
    directory = keeper.back_up()
    at = 1
    while killed(keeper, empty_store, at, lambda found: restore(found.app, directory, found.clock)):
        with keeper.on(empty_store) as found:
            assert ready(found).status_code == 503
        at = at * 2 + 1
    assert at > 60
    with keeper.on(empty_store) as found:
        assert ready(found).json["code"] == "not_replayed"
        keeper.finish(found, nothing=True)
        assert found.reason(ann) == "consent_given"


@pytest.mark.long
def test_a_finish_that_is_killed_lets_nobody_in(shop, keeper, empty_store):
    with shop.app.app_context():
        for name in ("one", "two"):
            service.create_client(
                name, name, frozenset({"catalogue:read"}), (), SYSTEM, shop.clock()
            )
    keeper.follow()
    shop.clock.advance(timedelta(minutes=1))
    directory = keeper.back_up()
    with shop.app.app_context():
        for name in ("one", "two"):
            service.disable_client(name, SYSTEM, shop.clock())
    shop.clock.advance(timedelta(minutes=1))
    keeper.follow()
    with keeper.on(empty_store) as found:
        restore(found.app, directory, found.clock)

    def finish(found):
        keeper.finish(found, journal=keeper.journal)

    at = 1
    while killed(keeper, empty_store, at, finish):
        with keeper.on(empty_store) as found:
            if ready(found).status_code == 200:
                break  # it was done, and was killed while it cleaned up
            at = at * 2
    assert at > 30
    with keeper.on(empty_store) as found, found.app.app_context():
        assert ready(found).status_code == 200
        assert all(service.get_client(name).disabled_at for name in ("one", "two"))
