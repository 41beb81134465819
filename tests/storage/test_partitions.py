"""Months of the log on PostgreSQL, made ahead of their time while others write."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from sqlalchemy import create_engine, text

from consent_service.app import create_app
from consent_service.catalogue.log_retention import log_retention
from consent_service.kernel.clock import utc_now
from consent_service.kernel.errors import Unavailable
from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import partition_store, partitions, retention, service
from consent_service.ledger.model import EntryKind
from consent_service.ledger.partitions import Month, make_ahead, month_of
from consent_service.storage.db import db, normalised_url
from consent_service.storage.unit_of_work import reading
from tests.support import log

DAYS = log_retention({}, [])
REST = partition_store.REST


@pytest.fixture(params=["postgresql"])
def store(postgres_stores):
    with postgres_stores.fresh() as url:
        yield url


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


@pytest.fixture
def now():
    return utc_now()


def count(table):
    with reading() as tx:
        return tx.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # our own names


def names():
    with reading() as tx:
        return partition_store.list_partitions(tx)


def test_this_month_and_the_next_two_are_made_once(now):
    month = month_of(now)
    expected = [month.name, month.after.name, month.after.after.name]
    assert make_ahead(now) == 3
    assert names() == sorted(expected)
    assert make_ahead(now) == 0
    assert make_ahead(datetime(*month.after, 1, tzinfo=UTC)) == 1
    ids = log.append(5)
    assert (count(month.name), count(REST), len(ids)) == (5, 0, 5)


def test_a_year_ends():
    month = month_of(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert month.name == "ledger_entries_2026_11"
    assert month.after.after == Month(2027, 1)
    assert month.after.after.first == first_uuid_of(datetime(2027, 1, 1, tzinfo=UTC))


def test_what_fell_into_the_rest_is_moved(now):
    ids = log.append(50)
    log.seal()
    ids += log.append(50)
    assert count(REST) == 100
    assert make_ahead(now) == 3
    assert (count(month_of(now).name), count(REST)) == (100, 0)
    assert log.ids_left() == sorted(ids)
    assert log.seal() == 50
    assert log.verify().leaves == 100


def test_ids_of_clocks_that_are_far_off_stay_in_the_rest(now):
    far = [log.id_of(now + timedelta(days=20_000)), log.id_of(datetime(1999, 1, 1, tzinfo=UTC))]
    service.append([log.an_entry(one) for one in far])
    assert make_ahead(now) == 3
    assert count(REST) == 2
    assert log.ids_left() == sorted(far)
    assert log.seal() == 2
    assert log.verify().leaves == 2


def test_ids_at_the_turn_of_a_month_go_to_either_side(now):
    make_ahead(now)
    month = month_of(now)
    turn = datetime(*month.after, 1, tzinfo=UTC)
    ids = [log.id_of(turn - timedelta(milliseconds=1)), month.after.first, log.id_of(turn)]
    service.append([log.an_entry(one) for one in ids])
    assert (count(month.name), count(month.after.name), count(REST)) == (1, 2, 0)


def test_others_write_and_read_meanwhile(app, settings, now):
    log.append(20)
    ended, problems, ids = threading.Event(), [], []
    apps = [create_app(settings) for _ in range(3)]

    def work(mine):
        with mine.app_context():
            while not ended.is_set():
                try:
                    ids.extend(log.append(3))
                    assert len(log.ids_left()) >= 20
                except Exception as error:
                    problems.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in apps]
    for thread in threads:
        thread.start()
    made = 0
    for months in range(12):
        made += make_ahead(now + timedelta(days=31 * months))
    ended.set()
    for thread in threads:
        thread.join()
    for mine in apps:
        with mine.app_context():
            db.engine.dispose()
    assert problems == []
    assert made >= 12
    assert count(REST) == 0
    assert len(log.ids_left()) == 20 + len(ids)


def test_two_workers_make_each_month_once(app, settings, now):
    log.append(20)
    apps, made = [app, create_app(settings)], []

    def work(mine):
        with mine.app_context():
            made.append(make_ahead(now))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with apps[1].app_context():
        db.engine.dispose()
    assert sum(made) == 3
    assert len(log.ids_left()) == 20


def test_whoever_writes_for_long_is_not_waited_for(store, now):
    log.append(1)
    engine = create_engine(normalised_url(store))
    with engine.begin() as writer:
        writer.execute(text("UPDATE ledger_entries SET reason = reason"))
        with pytest.raises(Unavailable):
            make_ahead(now)
        assert names() == []
    engine.dispose()
    assert make_ahead(now) == 3
    assert count(REST) == 0


def test_a_month_that_is_long_under_way_stays_in_the_rest(now, monkeypatch):
    monkeypatch.setattr(partitions, "MOST_MOVED", 4)
    ids = log.append(5)
    with structlog.testing.capture_logs() as said:
        assert make_ahead(now) == 2
    month = month_of(now)
    assert said == [
        {
            "event": "ledger:partition:left_in_the_rest",
            "log_level": "warning",
            "partition": month.name,
        }
    ]
    assert names() == sorted([month.after.name, month.after.after.name])
    assert log.ids_left() == sorted(ids)


def test_a_month_that_retention_has_emptied_is_dropped(now):
    past = now - timedelta(days=4_000)
    older = past - timedelta(days=200)
    for instant in (past, older, now):
        make_ahead(instant)
    service.append([log.an_entry(log.id_of(one)) for one in (older, past)])
    log.append(3)
    log.seal()
    assert retention.drop_emptied() == 0
    retention.forget(now, DAYS)
    retention.forget(now, DAYS)
    assert retention.drop_emptied() == 6
    assert names() == sorted([month_of(now).name, *(n for n in names() if n > month_of(now).name)])
    assert len(names()) == 3
    report = log.verify()
    assert (report.leaves, report.erased) == (5, 2)


def test_a_month_in_which_one_kind_is_kept_longer_stays(now):
    past = now - timedelta(days=DAYS[EntryKind.DECISION] + 60)
    make_ahead(past)
    kinds = (EntryKind.DECISION, EntryKind.CONSENT)
    service.append([log.an_entry(log.id_of(past), kind) for kind in kinds])
    log.seal()
    assert retention.forget(now, DAYS) == 1
    assert retention.drop_emptied() == 0
    assert count(month_of(past).name) == 1


def test_what_is_not_empty_is_never_dropped(now):
    make_ahead(now)
    log.append(1)
    assert partitions.drop_emptied(month_of(now).after.after.after.first) == 2
    assert names() == [month_of(now).name]
