"""Running what is due."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from consent_service.jobs import store
from consent_service.jobs.model import Job, Schedule, after_failure, after_success, due_from
from consent_service.storage.unit_of_work import reading, unit_of_work

_log = structlog.get_logger()


class Timetable:
    """Jobs that one thread runs. It remembers when the next is due, and asks the store no sooner:
    nobody makes a job due before the time that its schedule has."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._next: datetime | None = None

    def run_due(self, now: datetime) -> int:
        """Runs every job that is due and that no other worker is at; how many it ran.

        A job that raises is logged, and tried again later; the others go on.
        Raises: Unavailable when the schedule itself cannot be read or written.
        """
        if self._next is not None and now < self._next:
            return 0
        schedules = _list_schedules(self._jobs, now)
        due = [schedule for schedule in schedules if due_from(schedule) <= now]
        self._next = None if due else min(map(due_from, schedules))
        return sum(_run(self._jobs[schedule.name], schedule, now) for schedule in due)


def _list_schedules(jobs: Mapping[str, Job], now: datetime) -> list[Schedule]:
    with reading() as tx:
        known = store.list_schedules(tx, jobs)
    missing = jobs.keys() - known.keys()
    if missing:
        with unit_of_work() as tx:
            for name in sorted(missing):
                store.add(tx, name, now)
            known = store.list_schedules(tx, jobs)
    return [known[name] for name in jobs]


def _run(job: Job, schedule: Schedule, now: datetime) -> bool:
    lease = now + job.lease
    with unit_of_work() as tx:
        if not store.claim(tx, schedule.name, now, lease):
            return False
    try:
        job.run(now)
        after = after_success(schedule, job.every, now)
    except Exception as error:  # whatever is wrong with one job, the others must run
        kind = type(error).__name__
        _log.error("jobs:job:failed", job=schedule.name, error_kind=kind)
        after = after_failure(schedule, job.every, kind[:100], now)
    with unit_of_work() as tx:
        store.release(tx, after, lease)
    return True
