"""A worker that is killed while it judges an audience: another answers, and it is logged once."""

from datetime import timedelta

import pytest

from consent_service.crypto import keyring as keyrings
from consent_service.kernel.clock import utc_now
from consent_service.screenings import working
from consent_service.web.runtime import keys
from tests.support.later import accepted, ask, entries, ndjson
from tests.support.processes import Command, within
from tests.support.real_shop import real_shop

ROWS = 400_000


@pytest.fixture
def around(store, keyring, tmp_path):
    """The environment of a worker on the test's own store."""
    key_file = tmp_path / "keys.json"
    keyrings.FileProvider(key_file).save(keyring)
    return {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(key_file)}


@pytest.fixture
def shop(settings, contract):
    """On the clock of the machine, which is the worker's."""
    with real_shop(settings, contract) as found:
        yield found


def later():
    return utc_now() + working.LEASE + timedelta(seconds=1)


@pytest.mark.long
def test_a_killed_worker_is_followed_by_another(shop, around):
    ann = shop.customer("ann@example.org")
    where = accepted(ask(shop, ndjson(ann) * ROWS, purpose="printed"))
    worker = Command("worker", environment=around)
    try:
        within(30, lambda: shop.api.get(where).json["state"] == "running")
    finally:
        worker.clear()  # by SIGKILL
    assert shop.api.get(where).json["state"] == "running"
    assert (entries(shop), shop.rows("screenings")) == ([], [])
    with shop.app.app_context():
        assert working.answer_next(later, keys()) == 1
    job = shop.api.get(where).json
    assert (job["state"], job["rows"]) == ("done", ROWS)
    assert len(entries(shop)) == len(shop.rows("screenings")) == 1
    assert shop.api.get(job["result_url"]).get_data().count(b"\n") == ROWS + 1


def test_a_worker_answers_by_itself_and_ends_when_told(shop, around):
    ann = shop.customer("ann@example.org")
    where = accepted(ask(shop, ndjson(ann), purpose="printed"))
    worker = Command("worker", environment=around)
    try:
        within(30, lambda: shop.api.get(where).json["state"] == "done")
        status, said = worker.end()
    finally:
        worker.clear()
    assert (status, "Traceback" in said) == (0, False)
