import threading
from datetime import timedelta

import pytest
import structlog

from consent_service.cli.worker import APART, JOBS
from consent_service.jobs import service, store
from consent_service.jobs.model import Job
from consent_service.oauth import service as oauth
from consent_service.storage.unit_of_work import reading

HOUR = timedelta(hours=1)


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


def schedule_of(name):
    with reading() as tx:
        return store.list_schedules(tx, [name])[name]


@pytest.mark.usefixtures("in_app")
def test_a_job_runs_when_it_is_due_and_not_before(sweep, ran, clock):
    assert service.run_due(sweep, clock()) == 1
    assert service.run_due(sweep, clock.advance(HOUR - timedelta(seconds=1))) == 0
    assert service.run_due(sweep, clock.advance(timedelta(seconds=1))) == 1
    assert ran == [clock() - HOUR, clock()]
    assert schedule_of("sweep").last_finished_at == clock()


@pytest.mark.usefixtures("in_app")
def test_a_job_that_fails_is_told_by_its_kind_alone_and_tried_again(clock, ran):
    def fail(now):
        ran.append(now)
        raise ValueError("jane@example.org")

    jobs = {"broken": Job(fail, HOUR), "sweep": Job(ran.append, HOUR)}
    with structlog.testing.capture_logs() as logged:
        assert service.run_due(jobs, clock()) == 2
    assert logged == [
        {
            "event": "jobs:job:failed",
            "log_level": "error",
            "job": "broken",
            "error_kind": "ValueError",
        }
    ]
    assert schedule_of("broken").last_error_kind == "ValueError"
    assert service.run_due(jobs, clock.advance(timedelta(seconds=1))) == 0
    with structlog.testing.capture_logs():
        assert service.run_due(jobs, clock.advance(timedelta(seconds=1))) == 1
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
            counts.append(service.run_due(jobs, clock()))

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
        service.run_due({"sweep": Job(die, HOUR, lease=timedelta(minutes=5))}, clock())
    jobs = {"sweep": Job(ran.append, HOUR)}
    assert service.run_due(jobs, clock.advance(timedelta(minutes=4))) == 0
    assert service.run_due(jobs, clock.advance(timedelta(minutes=1))) == 1


@pytest.mark.usefixtures("in_app")
def test_a_worker_that_lost_its_lease_changes_nothing(clock):
    """It was slow; another took the job over and is still at it."""
    taken = []

    def be_slow(now):
        later = clock.advance(timedelta(minutes=6))
        taken.append(service.run_due({"sweep": Job(lambda _: None, HOUR)}, later))

    service.run_due({"sweep": Job(be_slow, timedelta(seconds=1))}, clock())
    assert taken == [1]
    assert schedule_of("sweep").due_at == clock() + HOUR


@pytest.mark.usefixtures("in_app")
def test_housekeeping_of_the_worker_runs_on_a_store(clock, make_client, token_for):
    token = token_for(make_client("website", ["customers:read"]))
    clock.advance(timedelta(minutes=11))
    jobs = JOBS | APART
    assert service.run_due(jobs, clock()) == len(jobs)
    assert [schedule_of(name).last_error_kind for name in jobs] == [None] * len(jobs)
    assert oauth.find_caller(token, clock() - timedelta(minutes=11)) is None
