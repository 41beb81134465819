"""SQL of the jobs' schedule."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.jobs.model import Schedule
from consent_service.jobs.tables import JobRow

_jobs = JobRow.__table__


def list_schedules(tx: Connection, names: Iterable[str]) -> dict[str, Schedule]:
    """Where the named jobs stand; those that never ran are left out."""
    rows = tx.execute(select(_jobs).where(JobRow.name.in_(list(names))))
    return {
        row.name: Schedule(
            row.name,
            row.due_at,
            row.leased_until,
            row.last_finished_at,
            row.last_error_kind,
            row.failed_runs,
        )
        for row in rows
    }


def add(tx: Connection, name: str, due_at: datetime) -> None:
    """Puts a job on the schedule, unless another worker just did."""
    try:
        with tx.begin_nested():
            tx.execute(insert(JobRow).values(name=name, due_at=due_at))
    except IntegrityError:
        return


def claim(tx: Connection, name: str, now: datetime, until: datetime) -> bool:
    """Takes a job that is due and free. False when another worker was faster."""
    claimed = tx.execute(
        update(JobRow)
        .where(
            JobRow.name == name,
            JobRow.due_at <= now,
            or_(JobRow.leased_until.is_(None), JobRow.leased_until <= now),
        )
        .values(leased_until=until)
    )
    return bool(claimed.rowcount)


def release(tx: Connection, schedule: Schedule, lease: datetime) -> None:
    """Puts a job back as `schedule` says, unless the lease `lease` was lost to another."""
    tx.execute(
        update(JobRow)
        .where(JobRow.name == schedule.name, JobRow.leased_until == lease)
        .values(
            due_at=schedule.due_at,
            leased_until=None,
            last_finished_at=schedule.last_finished_at,
            last_error_kind=schedule.last_error_kind,
            failed_runs=schedule.failed_runs,
        )
    )
