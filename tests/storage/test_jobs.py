import threading
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import event

from consent_service.cli.worker import APART, JOBS
from consent_service.jobs import store
from consent_service.jobs.model import Job
from consent_service.jobs.service import Timetable
from consent_service.kernel.errors import Unavailable
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from consent_service.storage.direct import Refused
from consent_service.storage.unit_of_work import reading, unit_of_work

HOUR, SECONDS_2 = timedelta(hours=1), timedelta(seconds=2)


@pytest.fixture
def ran():
    return []


@pytest.fixture
def sweep(ran):
    return {"sweep": Job(ran.append, HOUR)}


@pytest.fixture
def in_app(app):
    with app.app_context():
        yield app


def run_due(jobs, now):
    return Timetable(jobs).run_due(now)


def schedule_of(name):
    with reading() as tx:
        return store.list_schedules(tx, [name])[name]


@pytest.mark.usefixtures("in_app")
def test_a_job_runs_when_it_is_due_and_not_before(sweep, ran, clock):
    assert run_due(sweep, clock()) == 1
    assert run_due(sweep, clock.advance(HOUR - timedelta(seconds=1))) == 0
    assert run_due(sweep, clock.advance(timedelta(seconds=1))) == 1
    assert ran == [clock() - HOUR, clock()]
    assert schedule_of("sweep").last_finished_at == clock()


@pytest.mark.usefixtures("in_app")
def test_a_job_that_fails_is_told_by_its_kind_alone_and_tried_again(clock, ran):
    def fail(now):
        ran.append(now)
        raise ValueError("jane@example.org")

    jobs = {"broken": Job(fail, HOUR), "sweep": Job(ran.append, HOUR)}
    with structlog.testing.capture_logs() as logged:
        assert run_due(jobs, clock()) == 2
    assert logged == [
        {
            "event": "jobs:job:failed",
            "log_level": "error",
            "job": "broken",
            "error_kind": "ValueError",
        }
    ]
    assert schedule_of("broken").last_error_kind == "ValueError"
    assert run_due(jobs, clock.advance(timedelta(seconds=1))) == 0
    with structlog.testing.capture_logs():
        assert run_due(jobs, clock.advance(timedelta(seconds=1))) == 1
    assert schedule_of("broken").failed_runs == 2


def test_two_workers_never_run_a_job_at_once(app, clock):
    running, most, gate = [], [], threading.Barrier(6, timeout=20)

    def run(now):
        running.append(now)
        most.append(len(running))
        threading.Event().wait(0.2)
        running.pop()

    jobs = {"sweep": Job(run, HOUR)}
    counts = []

    def work():
        with app.app_context():
            gate.wait()
            counts.append(run_due(jobs, clock()))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 0, 0, 1]
    assert most == [1]


@pytest.mark.usefixtures("in_app")
def test_what_a_dead_worker_held_is_taken_over_after_its_lease(clock, ran):
    class Killed(BaseException):
        pass

    def die(now):
        raise Killed

    with pytest.raises(Killed):
        run_due({"sweep": Job(die, HOUR, lease=timedelta(minutes=5))}, clock())
    jobs = {"sweep": Job(ran.append, HOUR)}
    assert run_due(jobs, clock.advance(timedelta(minutes=4))) == 0
    assert run_due(jobs, clock.advance(timedelta(minutes=1))) == 1


@pytest.mark.usefixtures("in_app")
def test_the_store_is_not_asked_before_a_job_is_due(sweep, ran, clock):
    jobs = Timetable(sweep)
    assert [jobs.run_due(clock()), jobs.run_due(clock())] == [1, 0]
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *_: asked.append(1))
    assert jobs.run_due(clock.advance(HOUR - timedelta(seconds=1))) == 0
    assert asked == []
    assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 1
    assert len(ran) == 2
    assert asked


@pytest.mark.usefixtures("in_app")
def test_who_waits_for_the_lease_of_another_takes_over_when_it_ends(sweep, clock):
    short = timedelta(minutes=5)
    run_due(sweep, clock())
    clock.advance(HOUR)
    with unit_of_work() as tx:
        assert store.claim(tx, "sweep", clock(), clock() + short)
    jobs = Timetable(sweep)
    assert jobs.run_due(clock()) == 0
    assert jobs.run_due(clock.advance(short)) == 1


@pytest.mark.usefixtures("in_app")
def test_a_worker_that_lost_its_lease_changes_nothing(clock):
    """It was slow; another took the job over and is still at it."""
    taken = []

    def be_slow(now):
        later = clock.advance(timedelta(minutes=6))
        taken.append(run_due({"sweep": Job(lambda _: None, HOUR)}, later))

    run_due({"sweep": Job(be_slow, timedelta(seconds=1))}, clock())
    assert taken == [1]
    assert schedule_of("sweep").due_at == clock() + HOUR


@pytest.mark.usefixtures("in_app")
def test_where_nothing_waits_nothing_is_run_or_written_but_once_a_minute(clock, ran):
    jobs = Timetable({"send": Job(ran.append, SECONDS_2, waits=lambda _: False)})
    assert jobs.run_due(clock()) == 1
    before = schedule_of("send")
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *_: asked.append(1))
    for _ in range(29):
        assert jobs.run_due(clock.advance(SECONDS_2)) == 0
    assert asked == []
    assert schedule_of("send") == before
    assert jobs.run_due(clock.advance(SECONDS_2)) == 1
    assert schedule_of("send").last_finished_at == clock()


@pytest.mark.usefixtures("in_app")
def test_what_comes_meanwhile_begins_at_the_next_look(clock, ran):
    waiting = []
    jobs = Timetable({"send": Job(ran.append, SECONDS_2, waits=lambda _: bool(waiting))})
    jobs.run_due(clock())
    jobs.run_due(clock.advance(SECONDS_2))
    waiting.append(1)
    assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 0
    assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 1
    assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 0
    assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 1


@pytest.mark.usefixtures("in_app")
def test_what_waits_is_left_to_the_worker_that_is_at_it(clock, ran):
    send = {"send": Job(ran.append, SECONDS_2, waits=lambda _: True)}
    jobs, others = Timetable(send), Timetable(send)
    assert [jobs.run_due(clock()), others.run_due(clock())] == [1, 0]
    with unit_of_work() as tx:  # another worker, which then dies
        assert store.claim(tx, "send", clock.advance(SECONDS_2), clock() + HOUR)
    for _ in range(3):
        assert jobs.run_due(clock.advance(SECONDS_2)) == 0
    clock.advance(HOUR)
    assert [jobs.run_due(clock()), others.run_due(clock())] == [1, 0]


@pytest.mark.usefixtures("in_app")
def test_a_job_that_fails_is_put_off_though_something_waits(clock, ran):
    def fail(now):
        ran.append(now)
        raise ValueError

    jobs = Timetable({"sweep": Job(fail, HOUR, waits=lambda _: True)})
    with structlog.testing.capture_logs():
        assert [jobs.run_due(clock()), jobs.run_due(clock())] == [1, 0]
        assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 0
        assert jobs.run_due(clock.advance(timedelta(seconds=1))) == 1
    assert schedule_of("sweep").failed_runs == 2


@pytest.mark.usefixtures("in_app")
def test_a_job_whose_question_fails_is_run_and_that_is_logged(clock, ran):
    def fail(_):
        raise Refused

    def be_away(_):
        raise Unavailable

    jobs = Timetable({"send": Job(ran.append, SECONDS_2, waits=fail)})
    with structlog.testing.capture_logs() as logged:
        assert [jobs.run_due(clock()), jobs.run_due(clock.advance(SECONDS_2))] == [1, 1]
    assert logged == [
        {"event": "jobs:question:failed", "log_level": "error", "job": "send",
         "error_kind": "Refused"}
    ]  # fmt: skip
    away = Timetable({"away": Job(ran.append, SECONDS_2, waits=be_away)})
    assert away.run_due(clock()) == 1
    with pytest.raises(Unavailable):
        away.run_due(clock.advance(SECONDS_2))


@pytest.mark.usefixtures("in_app")
def test_housekeeping_of_the_worker_runs_on_a_store(clock, make_client, token_for):
    token = token_for(make_client("website", ["customers:read"]))
    clock.advance(timedelta(minutes=11))
    jobs = JOBS | APART
    assert run_due(jobs, clock()) == len(jobs)
    assert [schedule_of(name).last_error_kind for name in jobs] == [None] * len(jobs)
    assert oauth.find_caller(token, clock() - timedelta(minutes=11)) is None
