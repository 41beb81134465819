"""When a job is due, and when it is due again. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LONGEST_RETRY = timedelta(minutes=10)
LONGEST_UNSAID = timedelta(minutes=1)  # that nothing waits for a job is not written down
_FIRST_RETRY = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done `every` so often. `lease` is longer than any run may take: after it the
    run counts as dead, and another worker may start the job. `waits` says, for one read, whether
    there may be anything to do."""

    run: Callable[[datetime], object]
    every: timedelta
    lease: timedelta = timedelta(minutes=5)
    waits: Callable[[datetime], bool] | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where a job stands. `last_finished_at` is the start of the last run that ended well;
    `failed_runs` counts those in a row that did not."""

    name: str
    due_at: datetime
    leased_until: datetime | None = None
    last_finished_at: datetime | None = None
    last_error_kind: str | None = None
    failed_runs: int = 0


def due_from(schedule: Schedule) -> datetime:
    """When its time comes, and nobody is at it any more."""
    if schedule.leased_until is None:
        return schedule.due_at
    return max(schedule.due_at, schedule.leased_until)


def after_success(schedule: Schedule, every: timedelta, now: datetime) -> Schedule:
    """Due again after its interval, counted from when it was started."""
    return Schedule(schedule.name, now + every, last_finished_at=now)


def after_failure(schedule: Schedule, every: timedelta, error_kind: str, now: datetime) -> Schedule:
    """Due again after a back-off. `error_kind` is the error's type, never its text."""
    failed_runs = schedule.failed_runs + 1
    return replace(
        schedule,
        due_at=now + retry_delay(failed_runs, every),
        leased_until=None,
        last_error_kind=error_kind,
        failed_runs=failed_runs,
    )


def retry_delay(failed_runs: int, every: timedelta) -> timedelta:
    """Doubles with each failure in a row; never longer than the job's own interval."""
    doublings = min(failed_runs - 1, 16)
    return min(_FIRST_RETRY * (1 << doublings), LONGEST_RETRY, every)
