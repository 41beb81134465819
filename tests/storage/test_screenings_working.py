"""Workers at one job: the lease, one that is too slow, one that is killed; files in pieces."""

import itertools
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from consent_service.crypto.envelope import SealBroken
from consent_service.crypto.spool import Spool
from consent_service.kernel.ids import new_uuid
from consent_service.screenings import job_store, pieces, working
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support.clock import START
from tests.support.later import accepted, ask, entries, ndjson, small_pieces, work
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop

LATER = START + timedelta(hours=1)

KILLED = """
import os, signal
from datetime import datetime
from consent_service.app import create_app
from consent_service.config import load_settings
from consent_service.screenings import working
from consent_service.storage import unit_of_work
from consent_service.web.runtime import keys

def clock():
    if unit_of_work._open.get() is not None:  # all is written, and nothing committed
        os.kill(os.getpid(), signal.SIGKILL)
    return datetime.fromisoformat(os.environ["NOW"])

with create_app(load_settings()).app_context():
    working.answer_next(clock, keys())
"""


@pytest.fixture
def shop(app, clock, api, make_client, token_for):
    made = Shop(app, clock, api, make_client("shop", EVERYTHING, RECIPIENTS), token_for)
    made.load()
    return made


@pytest.fixture
def where(shop):
    """A job that waits, about Ann, who said yes."""
    ann = shop.customer("ann@example.org")
    shop.say(ann, "given")
    return accepted(ask(shop, ndjson(ann)))


@pytest.fixture
def in_app(app):
    with app.app_context():
        yield app


def state(shop, where):
    return shop.api.get(where).json["state"]


def test_a_killed_worker_leaves_nothing_half_and_another_begins_anew(shop, where, settings):
    environment = {
        **os.environ,
        "CONSENT_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONSENT_KEYRING": settings.keyring.get_secret_value(),
        "NOW": shop.clock().isoformat(),
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    (left,) = shop.rows("screening_jobs")
    assert left["result"] in {row["id"] for row in shop.rows("screening_files")}
    assert (state(shop, where), entries(shop), shop.rows("screenings")) == ("running", [], [])
    assert work(shop) == 0
    shop.clock.advance(working.LEASE)
    assert (work(shop), state(shop, where)) == (1, "done")
    assert len(entries(shop)) == len(shop.rows("screenings")) == 1
    (kept,) = shop.rows("screening_jobs")
    assert kept["result"] != left["result"]
    assert {row["id"] for row in shop.rows("screening_files")} == {kept["result"]}


def meanwhile(shop, **acts):
    """A clock for a worker, and what else happens when it is read for the nth time: from the third
    on rows are read and judged."""
    numbers = itertools.count(1)

    def clock():
        acts.get(f"at_{next(numbers)}", lambda: None)()
        return shop.clock()

    return clock


def test_who_works_keeps_the_lease(shop, where):
    """Twice it takes almost as long as a lease."""
    taken = []

    def wait():
        shop.clock.advance(working.LEASE - timedelta(seconds=1))

    def wait_and_try():
        wait()
        taken.append(work(shop))

    with shop.app.app_context():
        working.answer_next(meanwhile(shop, at_3=wait, at_5=wait_and_try), keys())
    assert (taken, state(shop, where)) == ([0], "done")


def test_a_worker_that_was_too_slow_changes_nothing(shop, where):
    """Another took the job over and is done."""

    def be_overtaken():
        shop.clock.advance(working.LEASE)
        assert work(shop) == 1

    with shop.app.app_context():
        assert working.answer_next(meanwhile(shop, at_3=be_overtaken), keys()) == 1
    assert state(shop, where) == "done"
    assert len(entries(shop)) == len(shop.rows("screenings")) == 1
    (kept,) = shop.rows("screening_jobs")
    assert {row["id"] for row in shop.rows("screening_files")} == {kept["result"]}
    assert shop.api.get(shop.api.get(where).json["result_url"]).status_code == 200


# --- Files


def written(text):
    """A file of that text in the store."""
    file = new_uuid()
    with Spool() as spool:
        spool.write(text)
        writer = pieces.Writer(file, keys(), LATER)
        writer.take(spool)
        writer.close()
    return file


def read(file):
    with Spool() as spool:
        pieces.copy_file(file, spool, keys())
        return spool.read()


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small_pieces(monkeypatch)


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128, 1000])
def test_a_file_comes_back_whole(length):
    text = os.urandom(length)
    file = written(text)
    assert read(file) == text
    pieces.delete_file(file)
    with pytest.raises(SealBroken):
        read(file)


@pytest.mark.usefixtures("in_app")
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM screening_files WHERE number = 2",
        "DELETE FROM screening_files WHERE number = 1",
        "UPDATE screening_files SET is_last = true WHERE number = 1",
        "UPDATE screening_files SET is_last = false WHERE number = 2",
        "UPDATE screening_files SET number = number + 10 WHERE number > 0",
    ],
)
def test_a_file_that_was_changed_does_not_open(change):
    file = written(os.urandom(150))
    with unit_of_work() as tx:
        assert tx.exec_driver_sql(change).rowcount
    with pytest.raises(SealBroken):
        read(file)


@pytest.mark.usefixtures("in_app")
def test_pieces_do_not_open_in_another_file(clock):
    one, other = written(b"1" * 150), written(b"2" * 150)
    with unit_of_work() as tx:
        piece, is_last = job_store.find_piece(tx, one, 1)
        tx.exec_driver_sql("DELETE FROM screening_files WHERE number = 1")
        for file in (one, other):
            job_store.add_piece(tx, file, 1, is_last, piece, LATER)
    assert read(one) == b"1" * 150
    with pytest.raises(SealBroken):
        read(other)
