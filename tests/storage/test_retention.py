"""Entries past what is kept of their kind go; leaves, tree and proofs stay."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from consent_service.app import create_app
from consent_service.catalogue.jobs import forget_entries
from consent_service.catalogue.log_retention import KINDS, log_retention
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import proofs, retention, retention_store, service, tree_store
from consent_service.ledger.model import EntryKind
from consent_service.storage.db import db, normalised_url
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import log

DAYS = log_retention({}, [])
DECISION = EntryKind.DECISION
MILLISECOND = timedelta(milliseconds=1)
ONLY_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


@pytest.fixture
def now():
    return utc_now()


def logged(*instants, kind=DECISION):
    """Entries that were made then, and are not sealed yet; their ids."""
    ids = [log.id_of(instant) for instant in instants]
    service.append([log.an_entry(one, kind) for one in ids])
    return ids


def old(now, count, kind=DECISION):
    """So many entries past their retention, a minute apart."""
    first = now - timedelta(days=DAYS[kind] + 30)
    return logged(*(first + timedelta(minutes=n) for n in range(count)), kind=kind)


def forget_all(now, days=DAYS):
    gone = 0
    while went := retention.forget(now, days):
        gone += went
    return gone


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_goes_by_its_own_days(now, kind):
    limit = now - timedelta(days=DAYS[kind])
    limit = limit.replace(microsecond=limit.microsecond // 1000 * 1000)
    logged(limit - timedelta(days=400), limit - MILLISECOND, kind=kind)
    stays = logged(limit, limit + timedelta(days=1), now, kind=kind)
    assert log.seal() == 5
    assert forget_all(limit + timedelta(days=DAYS[kind])) == 2
    assert log.ids_left() == sorted(stays)
    report = log.verify()
    assert (report.leaves, report.erased) == (5, 2)


def test_kinds_that_are_kept_longer_stay_among_those_that_go(now):
    old(now, 30)
    kept = old(now, 3, EntryKind.STAFF_ACT) + logged(
        *(now - timedelta(days=DAYS[DECISION] + 1, hours=n) for n in range(9)),
        kind=EntryKind.CONSENT,
    )
    log.seal()
    assert forget_all(now) == 33
    assert log.ids_left() == sorted(kept[3:])


def test_what_is_not_sealed_stays_until_it_is(now):
    old(now, 5)
    assert forget_all(now) == 0
    log.seal()
    late = logged(now - timedelta(days=DAYS[DECISION] + 60))
    assert forget_all(now) == 5
    assert log.ids_left() == late


def test_a_second_run_finds_nothing(now):
    old(now, 5)
    log.seal()
    assert forget_all(now) == 5
    assert forget_all(now) == 0
    assert log.verify().erased == 5


def test_proofs_and_packs_of_what_went_still_hold(now):
    old(now, 300)
    log.append(10)
    log.seal()
    checkpoint, before = log.newest(), proofs.prove_inclusion(7, 310)
    assert forget_all(now) == 300
    assert proofs.prove_inclusion(7, 310) == before
    log.append(1)
    log.seal()
    report = log.verify(checkpoint)
    assert (report.leaves, report.erased) == (311, 300)


def test_days_may_become_more_or_fewer(now):
    age = timedelta(days=100)
    logged(now - age, now - timedelta(days=20))
    log.seal()
    days = dict.fromkeys(EntryKind, 200)
    assert forget_all(now, days) == 0
    assert forget_all(now, dict.fromkeys(EntryKind, 50)) == 1
    assert forget_all(now, days) == 0
    assert forget_all(now, dict.fromkeys(EntryKind, 10)) == 1


def test_two_workers_let_each_entry_go_once(app, settings, now):
    ids = old(now, retention.BATCH * 3 + 17)
    log.seal()
    apps, counts, problems = [app, create_app(settings), create_app(settings)], [], []

    def work(mine):
        try:
            with mine.app_context():
                counts.append(forget_all(now))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine in apps[1:]:
        with mine.app_context():
            db.engine.dispose()
    assert problems == []
    assert sum(counts) + forget_all(now) == len(ids)
    assert log.ids_left() == []
    assert log.verify().erased == len(ids)


def forget_and_fail(until):
    with unit_of_work():
        assert retention.forget_some(DECISION, until) == retention.BATCH
        raise ZeroDivisionError


def test_a_worker_that_dies_leaves_whole_batches(now):
    count = retention.BATCH * 2 + 5
    old(now, count)
    log.seal()
    until = first_uuid_of(now - timedelta(days=DAYS[DECISION]))
    assert retention.forget_some(DECISION, until) == retention.BATCH
    with pytest.raises(ZeroDivisionError):
        forget_and_fail(until)
    assert log.verify().erased == retention.BATCH
    assert len(log.ids_left()) == count - retention.BATCH
    assert forget_all(now) == count - retention.BATCH
    assert log.verify().erased == count


@ONLY_POSTGRESQL
def test_what_a_merge_holds_is_passed_over_and_goes_later(store, now):
    ids = old(now, 10)
    log.seal()
    engine = create_engine(normalised_url(store))
    with engine.connect() as merge:
        merge.execute(
            text("SELECT 1 FROM ledger_entries WHERE id = :id FOR UPDATE"), {"id": ids[4]}
        )
        assert forget_all(now) == 9
        assert log.ids_left() == [ids[4]]
        assert log.verify().erased == 9
    engine.dispose()
    assert forget_all(now) == 1


@ONLY_POSTGRESQL
def test_what_an_erasure_holds_is_passed_over(store, now):
    ids = old(now, 10)
    log.seal()
    engine = create_engine(normalised_url(store))
    with engine.begin() as erasure:
        theirs = {"id": ids[0]}
        erasure.execute(
            text("UPDATE ledger_leaves SET entry_id = NULL WHERE entry_id = :id"), theirs
        )
        assert forget_all(now) == 9
        erasure.execute(text("DELETE FROM ledger_entries WHERE id = :id"), theirs)
    engine.dispose()
    assert forget_all(now) == 0
    log.say_erased(1)
    assert log.verify().erased == 10


def test_up_to_where_nothing_is_left_is_kept(now):
    old(now, 3)
    unsealed_from = log.id_of(now - timedelta(days=DAYS[DECISION] + 1))
    log.seal()
    service.append([log.an_entry(unsealed_from)])
    forget_all(now)
    with reading() as tx:
        assert retention_store.find_kept_from(tx)[DECISION] == unsealed_from
        assert tree_store.has_unsealed(tx, unsealed_from, first_uuid_of(now))


@pytest.mark.usefixtures("sample_catalogue")
def test_the_worker_goes_by_the_catalogue_in_force(now):
    old(now, 4)
    logged(now - timedelta(days=DAYS[DECISION] - 1))
    log.seal()
    assert forget_entries(now) == 4


def test_without_a_catalogue_nothing_goes(now):
    old(now, 4)
    log.seal()
    assert forget_entries(now) == 0
