"""Screenings that are answered later, as clients see them: asked for, looked after, fetched."""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

from consent_service.crypto.envelope import Field, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.kernel.errors import DomainError, NotFound, TooMany
from consent_service.kernel.ids import new_uuid
from consent_service.screenings import job_store, pieces
from consent_service.screenings.judging import catalogue_for
from consent_service.screenings.model import KEPT, FormKind, Job, JobState, Request
from consent_service.storage.locks import hold
from consent_service.storage.unit_of_work import reading, unit_of_work

MOST_WAITING = 20
_TRY_AGAIN = 60


def check_admits(asked: Request, client_id: str) -> None:
    """What can be said before the audience is read. Raises: Invalid for an unknown purpose; TooMany
    when so many jobs of a client wait that it may ask for no other."""
    catalogue_for(asked)
    _check_room(client_id)


def ask_later(body: Spool, asked: Request, client_id: str, now: datetime, keys: Keyring) -> Job:
    """Keeps an audience, for the worker to answer. The job is there when all of it is; what was
    written before something went wrong goes with its time. Raises: TooMany, Unavailable."""
    job_id, file = new_uuid(), new_uuid()
    writer = pieces.Writer(file, keys, now + KEPT)
    writer.take(body)
    writer.close()
    sealed = seal(keys.master, _asked_field(job_id), msgspec.json.encode(asked))
    job = Job(
        id=job_id,
        client_id=client_id,
        asked=sealed,
        state=JobState.QUEUED,
        created_at=now,
        expires_at=now + KEPT,
        body=file,
    )
    try:
        with unit_of_work() as tx:
            hold(tx, [hashlib.sha256(client_id.encode()).digest()])
            _check_room(client_id)
            job_store.add(tx, job)
    except TooMany:
        pieces.delete_file(file)
        raise
    return job


def get_job(job_id: UUID, client_id: str, now: datetime) -> Job:
    """A job that this client asked for, for as long as its result is kept. Raises: NotFound."""
    with reading() as tx:
        return _own(job_store.find(tx, job_id), client_id, now)


def open_rows(
    screening_id: UUID, client_id: str, now: datetime, keys: Keyring
) -> tuple[FormKind, Spool]:
    """The permitted rows that came of a job of this client, while they are kept. Raises:
    NotFound, Unavailable."""
    with reading() as tx:
        job = _own(job_store.find_by_screening(tx, screening_id), client_id, now)
    assert job.result is not None  # it has a screening, so it is done
    rows = Spool()
    pieces.copy_file(job.result, rows, keys)
    return open_asked(job, keys).form, rows


def open_asked(job: Job, keys: Keyring) -> Request:
    """What a job asks. Raises: SealBroken, MisconfiguredError."""
    key = keys.master_by_id(sealed_under(job.asked))
    return msgspec.json.decode(unseal(key, _asked_field(job.id), job.asked), type=Request)


def problem_of(error: DomainError) -> str:
    """An error as it is kept with the job: JSON with code, detail and errors."""
    said = {"code": error.code, "detail": error.text, "errors": error.errors}
    return msgspec.json.encode(said).decode()


def _check_room(client_id: str) -> None:
    with reading() as tx:
        if job_store.count_waiting(tx, client_id) >= MOST_WAITING:
            raise TooMany(_TRY_AGAIN)


def _own(job: Job | None, client_id: str, now: datetime) -> Job:
    if job is None or job.client_id != client_id:
        raise NotFound()
    if job.finished_at is not None and job.expires_at <= now:
        raise NotFound()
    return job


def _asked_field(job_id: UUID) -> Field:
    return Field("screening.asked", job_id, job_id)
