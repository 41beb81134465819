"""Running what is due."""

from collections.abc import Collection, Mapping
from datetime import datetime

import structlog

from consent_service.jobs import store
from consent_service.jobs.model import (
    LONGEST_UNSAID,
    Job,
    Schedule,
    after_failure,
    after_success,
    due_from,
)
from consent_service.kernel.errors import Unavailable
from consent_service.storage.unit_of_work import reading, unit_of_work

_log = structlog.get_logger()


class Timetable:
    """Jobs that one thread runs. It remembers when each is due next, and asks the store no sooner:
    nobody makes a job due before the time that its schedule has.

    A job for which nothing waits is not claimed, and its schedule stays as it is: claim and release
    are two commits beside those of checks. Once in a while it is run all the same, so that its
    schedule tells that somebody looks after it.
    """

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._next: dict[str, datetime] = {}
        self._run_by: dict[str, datetime] = {}

    def run_due(self, now: datetime) -> int:
        """Runs every job that is due and that no other worker is at; how many it ran.

        A job that raises is logged, and tried again later; the others go on.
        Raises: Unavailable when the schedule itself cannot be read or written.
        """
        due = [name for name in self._jobs if self._next.get(name, now) <= now]
        wanted = [name for name in due if self._is_wanted(name, now)]
        return sum(self._run(each, now) for each in _list_schedules(wanted, now))

    def _is_wanted(self, name: str, now: datetime) -> bool:
        job = self._jobs[name]
        if now >= self._run_by.get(name, now) or _may_wait(name, job, now):
            return True
        self._next[name] = now + job.every
        return False

    def _run(self, schedule: Schedule, now: datetime) -> bool:
        name, job = schedule.name, self._jobs[schedule.name]
        self._run_by[name] = now + LONGEST_UNSAID
        due = due_from(schedule)
        if due > now:  # another is at it, or was: should it die, it is found here in time
            self._next[name] = min(due, now + job.every)
            return False
        lease = now + job.lease
        with unit_of_work() as tx:
            if not store.claim(tx, name, now, lease):
                return False
        after = _carry_out(job, schedule, now)
        with unit_of_work() as tx:
            store.release(tx, after, lease)
        self._next[name] = after.due_at
        return True


def _may_wait(name: str, job: Job, now: datetime) -> bool:
    """Where the question itself fails, the job is run as if something waited."""
    try:
        return job.waits is None or job.waits(now)
    except Unavailable:
        raise
    except Exception as error:  # a job that cannot ask is not one that has nothing to do
        _log.error("jobs:question:failed", job=name, error_kind=type(error).__name__)
        return True


def _list_schedules(names: Collection[str], now: datetime) -> list[Schedule]:
    if not names:
        return []
    with reading() as tx:
        known = store.list_schedules(tx, names)
    missing = names - known.keys()
    if missing:
        with unit_of_work() as tx:
            for name in sorted(missing):
                store.add(tx, name, now)
            known = store.list_schedules(tx, names)
    return [known[name] for name in names]


def _carry_out(job: Job, schedule: Schedule, now: datetime) -> Schedule:
    """Runs a job; where its schedule is then."""
    try:
        job.run(now)
        return after_success(schedule, job.every, now)
    except Exception as error:  # whatever is wrong with one job, the others must run
        kind = type(error).__name__
        _log.error("jobs:job:failed", job=schedule.name, error_kind=kind)
        return after_failure(schedule, job.every, kind[:100], now)
