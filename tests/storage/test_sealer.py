"""Entries become leaves, once each, whatever order they are committed in and whoever seals."""

import itertools
import threading
import time
from datetime import timedelta

import pytest

from consent_service.app import create_app
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import first_uuid_of, new_uuid
from consent_service.ledger import notes, service, tree_store
from consent_service.ledger.merkle import check_consistency, consistency_ranges, range_root
from consent_service.ledger.proofs import root_at
from consent_service.ledger.sealer import BATCH, LONGEST_TRANSACTION, Sealer
from consent_service.ledger.tiles import node_in
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.runtime import keys
from tests.support import log


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def leaves():
    with reading() as tx:
        return tree_store.list_leaves(tx, 0, 10_000)


def test_what_is_appended_is_sealed_once():
    ids = log.append(3)
    sealer = Sealer("http://127.0.0.1:8000")
    assert log.seal(sealer) == 3
    assert log.seal(sealer) == 0
    assert [entry_id for _, entry_id, _ in leaves()] == sorted(ids)
    assert log.newest().size == 3
    assert log.verify().leaves == 3


def test_nothing_is_signed_when_there_is_nothing():
    assert log.seal() == 0
    with reading() as tx:
        assert tree_store.find_checkpoint(tx) is None


def test_the_log_is_named_once_and_for_all():
    log.append()
    log.seal(Sealer("https://consent.example.org/privacy/"))
    log.append()
    log.seal(Sealer("https://elsewhere.example.org"))
    with reading() as tx:
        notes_ = [kept.note for kept in tree_store.list_checkpoints(tx, 0, 10)]
    assert [note.splitlines()[0] for note in notes_] == ["consent.example.org/privacy/v1/log"] * 2


def test_an_earlier_id_that_is_committed_later_is_sealed():
    earlier = new_uuid()
    time.sleep(0.002)
    log.append()
    sealer = Sealer("http://127.0.0.1:8000")
    assert log.seal(sealer) == 1
    service.append([log.an_entry(earlier)])
    assert log.seal(sealer) == 1
    assert [entry_id for _, entry_id, _ in leaves()][1] == earlier
    assert log.verify().leaves == 2


def test_what_took_seconds_to_be_committed_is_found_by_the_next_rounds():
    sealer = Sealer("http://127.0.0.1:8000")
    sealer.run(keys(), utc_now())
    log.append()
    assert log.seal(sealer) == 1
    sealer._sweep_at = time.monotonic() + 3600  # by none of its sweeps
    service.append([log.an_entry(first_uuid_of(utc_now() - timedelta(seconds=7)))])
    assert any(_rounds(sealer, pause=0.25, count=5))
    assert log.verify().leaves == 2


def test_what_one_sealer_remembers_is_no_matter_to_another():
    mine, other = Sealer("http://127.0.0.1:8000"), Sealer("http://127.0.0.1:8000")
    for sealer in (mine, other, mine):
        log.append(3)
        assert log.seal(sealer) == 3
    log.append()
    assert (log.seal(other), log.seal(mine)) == (1, 0)
    service.append([log.an_entry(first_uuid_of(utc_now() - timedelta(seconds=5)))])
    assert any(_rounds(mine, pause=0.25, count=4))
    assert log.verify().leaves == 11


def test_what_is_remembered_may_be_given_up_or_gone():
    sealer = Sealer("http://127.0.0.1:8000")
    log.append()
    log.seal(sealer)
    sealer._sweep_at = time.monotonic() + 3600  # by none of its sweeps
    log.append(5)
    with pytest.raises(ZeroDivisionError):
        seal_and_fail(sealer, 5)
    assert log.seal(sealer) == 5
    gone = log.ids_left()[2:4]
    with unit_of_work() as tx:
        tree_store.forget_entries(tx, gone, gone)
    log.say_erased(2)
    assert log.seal(sealer) == 1
    assert log.verify().erased == 2


def test_a_sweep_of_many_stretches_finds_what_came_late(monkeypatch):
    monkeypatch.setattr("consent_service.ledger.sealer._STRETCH", 3)
    monkeypatch.setattr("consent_service.ledger.sealer._SWEEP_SHARE", 0)
    sealer = Sealer("http://127.0.0.1:8000")
    minutes_ago = utc_now() - timedelta(minutes=4)
    service.append([log.an_entry(log.id_of(minutes_ago)) for _ in range(10)])
    log.append()
    assert sum(_rounds(sealer, pause=0, count=6)) == 11
    service.append([log.an_entry(log.id_of(minutes_ago)) for _ in range(2)])
    sealer._sweep_at = 0.0
    assert list(_rounds(sealer, pause=0, count=5)).count(0) < 5
    assert log.verify().leaves == 13


def test_a_sweep_trusts_no_memory():
    sealer = Sealer("http://127.0.0.1:8000")
    log.append()
    assert log.seal(sealer) == 1
    ids = log.append(3)
    sealer._sealed.add(each.bytes for each in ids)
    assert log.seal(sealer) == 0
    sealer._sweep_at = 0.0
    assert sum(_rounds(sealer, pause=0, count=2)) == 3
    assert log.verify().leaves == 4


def test_what_a_sweep_found_and_another_sealed_meanwhile_is_sealed_once(monkeypatch):
    monkeypatch.setattr("consent_service.ledger.sealer.BATCH", 4)
    monkeypatch.setattr("consent_service.ledger.sealer._MANY", 3)
    mine, other = Sealer("http://127.0.0.1:8000"), Sealer("http://127.0.0.1:8000")
    log.append(10)
    assert mine.run(keys(), utc_now()) == 4
    assert [other.run(keys(), utc_now()) for _ in range(2)] == [4, 2]
    gone = log.append(1)
    assert [mine.run(keys(), utc_now()) for _ in range(2)] == [1, 0]
    assert leaves()[-1][1] == gone[0]
    assert log.verify().leaves == 11


def _rounds(sealer, pause, count):
    for _ in range(count):
        yield log.seal(sealer)
        time.sleep(pause)


def test_what_took_minutes_to_be_committed_is_found_by_a_sweep():
    log.append()
    assert log.seal() == 1
    old = first_uuid_of(utc_now() - LONGEST_TRANSACTION + timedelta(seconds=30))
    service.append([log.an_entry(old)])
    assert log.seal() == 1
    assert log.verify().leaves == 2


@pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_wrong_passes_nothing_by(wrong):
    sealer = Sealer("http://127.0.0.1:8000")
    for now in (utc_now() + wrong, utc_now(), utc_now() + wrong, utc_now()):
        log.append()
        assert log.seal(sealer, now) == 1
    assert log.verify().leaves == 4


def test_what_is_to_be_sealed_is_read_by_a_plan_of_the_moment():
    """One that was made while there were few leaves would read all of them for each entry."""
    sealer = Sealer("http://127.0.0.1:8000")
    for _ in range(8):
        log.append()
        assert log.seal(sealer) == 1
    if db.engine.dialect.name == "postgresql":
        with reading() as tx:
            kept = tx.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars()
            assert not [one for one in kept if "ledger_entries.token" in one]


def test_what_waited_while_no_sealer_ran_is_sealed():
    old = first_uuid_of(utc_now() - timedelta(days=3))
    service.append([log.an_entry(old)])
    log.append()
    assert log.seal() == 2


@pytest.mark.long
def test_tiles_grow_over_many_rounds():
    total = 0
    for count in (1, 254, 1, 1, 600, 3, 65_536 - 860 + 5):
        log.append(count)
        total += count
        assert log.seal() == count
        assert log.newest().size == total
    report = log.verify()
    assert (report.leaves, report.erased) == (total, 0)
    assert_all_consistent()


def node(level, index):
    with reading() as tx:
        return node_in(lambda at, n: tree_store.find_tile(tx, at, n), level, index)


def assert_all_consistent():
    """Each checkpoint grew from the one before."""
    with reading() as tx:
        kept = tree_store.list_checkpoints(tx, 0, 1_000)
    for before, after in itertools.pairwise(kept):
        proof = [range_root(*part, node) for part in consistency_ranges(before.size, after.size)]
        check_consistency(before.size, after.size, proof, before.root, after.root)
    assert root_at(kept[-1].size) == kept[-1].root


def test_two_sealers_never_fork(app, settings, store):
    ended, problems = threading.Event(), []
    apps = [app, *(create_app(settings) for _ in range(3))]

    def work(mine):
        with mine.app_context():
            sealer = Sealer("http://127.0.0.1:8000")
            while not ended.is_set():
                try:
                    sealer.run(keys(), utc_now())
                except Exception as error:
                    problems.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in apps]
    for thread in threads:
        thread.start()
    for _ in range(60):
        log.append(7)
    ended.set()
    for thread in threads:
        thread.join()
    for mine in apps[1:]:
        with mine.app_context():
            db.engine.dispose()
    log.seal()
    assert problems == []
    assert log.verify().leaves == 420
    assert_all_consistent()


def sealed_until():
    with reading() as tx:
        return tree_store.find_head(tx).sealed_until


def test_a_backlog_is_sealed_batch_after_batch_and_what_came_late_with_it():
    days_ago, minutes_ago = (utc_now() - timedelta(**ago) for ago in ({"days": 3}, {"minutes": 4}))
    service.append([log.an_entry(log.id_of(days_ago)) for _ in range(BATCH + 1)])
    log.append(BATCH + 6)
    sealer = Sealer("http://127.0.0.1:8000")
    assert sealer.run(keys(), utc_now()) == BATCH
    assert abs(sealed_until() - days_ago) < timedelta(seconds=1)
    assert sealer.run(keys(), utc_now()) == BATCH
    assert sealed_until() <= utc_now() - LONGEST_TRANSACTION
    service.append([log.an_entry(log.id_of(minutes_ago))])
    assert sealer.run(keys(), utc_now()) == 7
    assert sealed_until() < minutes_ago
    assert log.seal() == 1
    assert log.verify().leaves == 2 * BATCH + 8


def test_a_batch_that_was_given_up_is_sealed_by_the_next_round():
    log.append(BATCH + 5)
    sealer = Sealer("http://127.0.0.1:8000")
    with pytest.raises(ZeroDivisionError):
        seal_and_fail(sealer, BATCH)
    assert log.seal(sealer) == BATCH + 5
    assert log.verify().leaves == BATCH + 5


def seal_and_fail(sealer, count):
    with unit_of_work():
        assert sealer.run(keys(), utc_now()) == count
        raise ZeroDivisionError


def test_a_sealer_that_fails_leaves_the_log_as_it_was():
    log.append(5)
    with pytest.raises(ZeroDivisionError):
        seal_and_fail(Sealer("http://127.0.0.1:8000"), 5)
    assert leaves() == []
    assert log.seal() == 5


def test_a_new_key_signs_beside_the_old_one(clock):
    log.append()
    log.seal()
    old = log.verifiers()
    ring = keys().with_new(KeyUse.LOG, clock())
    log.append()
    assert Sealer("http://127.0.0.1:8000").run(ring, utc_now()) == 1
    with reading() as tx:
        note = tree_store.find_checkpoint(tx).note
    assert len(note.splitlines()) == 6
    assert notes.open_checkpoint(note, old).size == 2
