"""SQL of screenings that are answered later, and of their files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from consent_service.crypto.envelope import Sealed
from consent_service.screenings.model import WAITING, Job, JobState
from consent_service.screenings.tables import ScreeningFileRow, ScreeningJobRow
from consent_service.storage.direct import Question

_jobs = ScreeningJobRow.__table__
_files = ScreeningFileRow.__table__
_waits = or_(*[ScreeningJobRow.state == state.value for state in WAITING])


def _due(now: datetime | ColumnElement[datetime]) -> list[ColumnElement[bool]]:
    row = ScreeningJobRow
    free = or_(row.leased_until.is_(None), row.leased_until <= now)
    return [_waits, free, row.due_at <= now, row.expires_at > now]


is_one_due = Question(select(ScreeningJobRow.id).where(*_due(bindparam("now"))))


def add(tx: Connection, job: Job) -> None:
    """Adds a job, due at once."""
    tx.execute(
        insert(ScreeningJobRow).values(
            id=job.id,
            client_id=job.client_id,
            asked=job.asked,
            state=job.state.value,
            tries=job.tries,
            rows=job.rows,
            created_at=job.created_at,
            due_at=job.created_at,
            expires_at=job.expires_at,
            body=job.body,
        )
    )


def count_waiting(tx: Connection, client_id: str) -> int:
    """How many jobs of a client have not ended."""
    query = select(func.count()).where(ScreeningJobRow.client_id == client_id, _waits)
    return tx.execute(query).scalar_one()


def find(tx: Connection, job_id: UUID) -> Job | None:
    """One job."""
    row = tx.execute(select(_jobs).where(ScreeningJobRow.id == job_id)).one_or_none()
    return None if row is None else _job(row)


def find_by_screening(tx: Connection, screening_id: UUID) -> Job | None:
    """The job that a screening came of."""
    query = select(_jobs).where(ScreeningJobRow.screening_id == screening_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else _job(row)


def find_due(tx: Connection, now: datetime) -> Job | None:
    """The job that waits longest of those whose time has come and that nobody is at."""
    row = ScreeningJobRow
    query = select(_jobs).where(*_due(now)).order_by(row.created_at, row.id)
    found = tx.execute(query.limit(1)).one_or_none()
    return None if found is None else _job(found)


def claim(tx: Connection, job: Job, result: UUID, leased_until: datetime, due_at: datetime) -> bool:
    """Takes a job up as it was seen. False when somebody was faster. `due_at` is when it is tried
    again, should nothing come of it."""
    return _change(
        tx,
        job,
        state=JobState.RUNNING.value,
        tries=job.tries + 1,
        rows=0,
        leased_until=leased_until,
        due_at=due_at,
        result=result,
    )


def keep(tx: Connection, job: Job, rows: int, leased_until: datetime) -> bool:
    """Keeps a job that was taken up. False when another has it."""
    return _change(tx, job, rows=rows, leased_until=leased_until)


def put_back(tx: Connection, job: Job, due_at: datetime | None) -> bool:
    """Lets go of a job, for it to be tried again. False when another has it."""
    due = {} if due_at is None else {"due_at": due_at}
    return _change(tx, job, state=JobState.QUEUED.value, rows=0, leased_until=None, **due)


def finish(
    tx: Connection, job: Job, rows: int, screening_id: UUID, now: datetime, expires_at: datetime
) -> bool:
    """A job is done. False when another has it."""
    return _end(tx, job, JobState.DONE, now, expires_at, rows=rows, screening_id=screening_id)


def fail(tx: Connection, job: Job, problem: str, now: datetime, expires_at: datetime) -> bool:
    """A job is given up. False when another has it."""
    return _end(tx, job, JobState.FAILED, now, expires_at, problem=problem, result=None)


def list_expired(tx: Connection, now: datetime, limit: int) -> list[Job]:
    """Jobs whose time is over, ended or not."""
    query = select(_jobs).where(ScreeningJobRow.expires_at <= now).limit(limit)
    return [_job(row) for row in tx.execute(query)]


def delete_job(tx: Connection, job: Job) -> None:
    """Forgets a job."""
    tx.execute(delete(ScreeningJobRow).where(ScreeningJobRow.id == job.id))


def add_piece(
    tx: Connection, file: UUID, number: int, is_last: bool, piece: Sealed, expires_at: datetime
) -> None:
    """Adds a piece to a file."""
    tx.execute(
        insert(ScreeningFileRow).values(
            id=file, number=number, is_last=is_last, piece=piece, expires_at=expires_at
        )
    )


def find_piece(tx: Connection, file: UUID, number: int) -> tuple[Sealed, bool] | None:
    """A piece of a file, and whether it is the last."""
    row = ScreeningFileRow
    query = select(row.piece, row.is_last).where(row.id == file, row.number == number)
    found = tx.execute(query).one_or_none()
    return None if found is None else (found.piece, found.is_last)


def delete_some_of(tx: Connection, file: UUID, limit: int) -> int:
    """Removes some pieces of a file; how many."""
    row = ScreeningFileRow
    query = select(row.id, row.number).where(row.id == file).limit(limit)
    return _delete_pieces(tx, [(one.id, one.number) for one in tx.execute(query)])


def delete_some_expired(tx: Connection, now: datetime, limit: int) -> int:
    """Removes some pieces whose time is over; how many."""
    row = ScreeningFileRow
    query = select(row.id, row.number).where(row.expires_at <= now).limit(limit)
    return _delete_pieces(tx, [(one.id, one.number) for one in tx.execute(query)])


def _delete_pieces(tx: Connection, which: Sequence[tuple[UUID, int]]) -> int:
    if which:
        place = tuple_(ScreeningFileRow.id, ScreeningFileRow.number)
        tx.execute(delete(ScreeningFileRow).where(place.in_(which)))
    return len(which)


def _end(
    tx: Connection, job: Job, state: JobState, now: datetime, expires_at: datetime, **more: Any
) -> bool:
    ended = {"state": state.value, "finished_at": now, "expires_at": expires_at}
    return _change(tx, job, **ended, leased_until=None, body=None, **more)


def _change(tx: Connection, job: Job, **values: Any) -> bool:
    """Changes a job that waits, unless somebody took it up since it was seen."""
    row = ScreeningJobRow
    changed = tx.execute(
        update(row).where(row.id == job.id, row.tries == job.tries, _waits).values(**values)
    )
    return bool(changed.rowcount)


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id,
        row.client_id,
        row.asked,
        JobState(row.state),
        row.created_at,
        row.expires_at,
        row.body,
        row.tries,
        row.rows,
        row.finished_at,
        row.result,
        row.screening_id,
        row.problem,
    )
