"""Answering the screenings that wait: what the worker does.

A job is taken up under a lease, which is kept while rows are judged. A worker that is killed
leaves it to run out, and another begins anew. Screening, entry and end of the job are one
transaction, which only the one who took it up last can make: a job is logged once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from msgspec.structs import replace

from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.jobs.model import LONGEST_RETRY, retry_delay
from consent_service.kernel.clock import Clock
from consent_service.kernel.errors import DomainError, Unavailable
from consent_service.kernel.ids import new_uuid
from consent_service.screenings import job_store, pieces
from consent_service.screenings.jobs import open_asked, problem_of
from consent_service.screenings.judging import JudgedAudience, judge_audience
from consent_service.screenings.model import KEPT, Job, JobState
from consent_service.screenings.service import (
    Concluded,
    conclude,
    record_screening,
)
from consent_service.storage.unit_of_work import reading, unit_of_work

LEASE = timedelta(minutes=2)
_KEEP_EVERY = timedelta(seconds=2)
_AT_ONCE = 100

_log = structlog.get_logger("consent.screenings")


class _Lost(Exception):
    """Another worker has the job, or it was given up."""


class _Stopped(Exception):
    """The worker is to end."""


class _Lease:
    """A job that was taken up, and how far it is."""

    def __init__(self, job: Job, clock: Clock, stopping: Callable[[], bool]) -> None:
        self.job, self.clock, self.rows = job, clock, 0
        self._stopping, self._kept_at = stopping, clock()

    def keep(self, rows: int = 0) -> None:
        """Says that it is worked on, and how many rows more are judged. Raises: _Lost, _Stopped,
        Unavailable."""
        self.rows += rows
        if self._stopping():
            raise _Stopped()
        now = self.clock()
        if now - self._kept_at < _KEEP_EVERY:
            return
        self._kept_at = now
        with unit_of_work() as tx:
            if not job_store.keep(tx, self.job, self.rows, now + LEASE):
                raise _Lost()


def answer_next(clock: Clock, keys: Keyring, stopping: Callable[[], bool] = lambda: False) -> int:
    """Answers the job that waits longest; how many there were, 0 or 1. `stopping` is asked often,
    and ends the work soon. Raises: Unavailable when the store cannot even take it back."""
    job = _take_up(clock())
    if job is None:
        return 0
    lease = _Lease(job, clock, stopping)
    try:
        _answer(lease, keys)
    except _Lost:
        _log.warning("screenings:job:lost", job=job.id.hex)
    except _Stopped:
        _put_back(job, clock())
    except Unavailable:
        _put_back_after_fault(job, "Unavailable")
    except DomainError as error:
        _give_up(job, error, clock())
    except Exception as error:  # whatever is wrong with one, the others must be answered
        _put_back_after_fault(job, type(error).__name__)
    else:
        _log.info("screenings:job:done", job=job.id.hex, tries=job.tries)
        _delete_files(job.body)
    return 1


def delete_expired(now: datetime) -> int:
    """Gives up jobs that could not be answered within their time, and forgets those that ended,
    with their files; how many rows went. Raises: Unavailable."""
    gone = pieces.delete_expired(now)
    with reading() as tx:
        over = job_store.list_expired(tx, now, _AT_ONCE)
    for job in over:
        if job.finished_at is None:
            _give_up(job, Unavailable(), now)
            continue
        _delete_files(job.result)
        with unit_of_work() as tx:
            job_store.delete_job(tx, job)
        gone += 1
    return gone


def _take_up(now: datetime) -> Job | None:
    """The job that is next, taken; what its last try wrote is removed."""
    if not job_store.is_one_due(now):
        return None
    with reading() as tx:
        job = job_store.find_due(tx, now)
    if job is None:
        return None
    result, again = new_uuid(), now + retry_delay(job.tries + 1, LONGEST_RETRY)
    with unit_of_work() as tx:
        if not job_store.claim(tx, job, result, now + LEASE, again):
            return None
    _delete_files(job.result)
    return replace(job, tries=job.tries + 1, state=JobState.RUNNING, result=result)


def _answer(lease: _Lease, keys: Keyring) -> None:
    job = lease.job
    assert job.body is not None  # until it has ended
    asked = open_asked(job, keys)
    with Spool() as body:
        pieces.copy_file(job.body, body, keys, lease.keep)
        judged = judge_audience(body, asked, job.client_id, lease.clock(), keys, lease.keep)
    expires_at = lease.clock() + KEPT
    with judged.permitted:
        concluded = _write_result(judged, lease, keys, expires_at)
    try:
        _finish(concluded, lease, expires_at)
    except _Lost:
        _delete_files(job.result)
        raise


def _write_result(
    judged: JudgedAudience, lease: _Lease, keys: Keyring, expires_at: datetime
) -> Concluded:
    """Keeps the permitted rows, for nobody to fetch yet."""
    assert lease.job.result is not None  # since it was taken up
    writer = pieces.Writer(lease.job.result, keys, expires_at, lease.keep)
    try:
        writer.take(judged.permitted)
        concluded = conclude(judged)  # late: from here on it is to be recorded soon
        writer.take(judged.permitted)
        writer.close()
    except Exception:
        _delete_files(lease.job.result)
        raise
    return concluded


def _finish(concluded: Concluded, lease: _Lease, expires_at: datetime) -> None:
    """All that makes it an answer, at once. When this raises Unavailable it may still have been
    done: the result stays, and whoever takes the job up anew removes it."""
    found, rows = concluded.screening.id, concluded.summary.rows
    with unit_of_work() as tx:
        record_screening(concluded)
        if not job_store.finish(tx, lease.job, rows, found, lease.clock(), expires_at):
            raise _Lost()


def _put_back(job: Job, due_at: datetime | None) -> None:
    with unit_of_work() as tx:
        job_store.put_back(tx, job, due_at)


def _put_back_after_fault(job: Job, kind: str) -> None:
    """For later: when, was set when it was taken up."""
    _log.error("screenings:job:put_back", job=job.id.hex, tries=job.tries, error_kind=kind)
    _put_back(job, None)


def _give_up(job: Job, error: DomainError, now: datetime) -> None:
    with unit_of_work() as tx:
        if not job_store.fail(tx, job, problem_of(error), now, now + KEPT):
            return
    _delete_files(job.body, job.result)
    _log.warning("screenings:job:failed", job=job.id.hex, tries=job.tries, code=error.code)


def _delete_files(*files: UUID | None) -> None:
    for file in files:
        if file is not None:
            pieces.delete_file(file)
