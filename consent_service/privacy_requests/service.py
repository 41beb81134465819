"""Reading requests, and reminding of them. They come in by `intake`, are confirmed by
`confirming`, decided by `deciding` and carried out by `carrying_out`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace

from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel import paging
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.kernel.paging import Page
from consent_service.privacy_requests import store
from consent_service.privacy_requests.model import (
    REMIND_BEFORE,
    Request,
    RequestFilter,
    Step,
    parse_request_id,
    reminder_level,
    request_id_text,
)
from consent_service.privacy_requests.sealing import open_note, open_reason
from consent_service.privacy_requests.steps import get_request
from consent_service.storage.unit_of_work import reading, snapshot, unit_of_work

_BATCH = 100
_SAID = (
    "",
    "privacy_requests:request:due_in_7_days",
    "privacy_requests:request:due_in_2_days",
    "privacy_requests:request:overdue",
)

_log = structlog.get_logger("consent.privacy_requests")


class Opened(Struct, frozen=True):
    """A request, opened for somebody who may read it: its note, and each step with what was
    written of it."""

    request: Request
    note: str | None
    steps: tuple[tuple[Step, str | None], ...]

    def __repr__(self) -> str:
        return "Opened(redacted)"


def get_opened(request_id: UUID, keys: Keyring) -> Opened:
    """A request with its note and its steps, all as of one moment: an erasure moves it and takes
    the key away. Raises: NotFound."""
    with snapshot() as tx:
        request = get_request(request_id)
        steps = store.list_steps(tx, request)
        if not request.known:
            return Opened(request, None, tuple((step, None) for step in steps))
        life = data_keys.open_keys(CustomerId(request.place), keys).life
    return Opened(
        request, open_note(request, life), tuple((step, open_reason(step, life)) for step in steps)
    )


def is_lost(request_id: str) -> bool:
    """Whether there is no request of an id, as it is written."""
    with reading() as tx:
        return store.find_request(tx, parse_request_id(request_id)) is None


def list_of_customers(customer_ids: Sequence[CustomerId]) -> list[Request]:
    """The requests of customers, oldest first."""
    with reading() as tx:
        return store.list_of_customers(tx, customer_ids)


def list_by_ids(request_ids: Sequence[UUID]) -> list[Request]:
    """Requests by id, as they are now."""
    with reading() as tx:
        return store.list_by_ids(tx, request_ids)


def list_requests(wanted: RequestFilter, cursor: str | None, limit: int) -> Page[Request]:
    """A page of requests, oldest first. Raises: Invalid for a cursor of another filter."""
    if wanted.place is not None:
        wanted = replace(wanted, place=customers.resolve(CustomerId(wanted.place)))
    overdue = wanted.overdue_at is not None
    bound_to = f"{wanted.place} {wanted.state} {wanted.kind} {overdue}"
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    with reading() as tx:
        found = store.list_requests(tx, wanted, after, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def remind(now: datetime) -> int:
    """Logs a warning for each open request that is due in 7 days, in 2, or is overdue: each once,
    and of several at once the most urgent; how many."""
    said = 0
    for level in (3, 2, 1):
        moment = now + REMIND_BEFORE[level - 1]
        with reading() as tx:
            due = store.list_due_before(tx, moment, level, _BATCH)
        said += sum(_remind(request, now) for request in due)
    return said


def _remind(request: Request, now: datetime) -> bool:
    level = reminder_level(request.due_at, now)
    with unit_of_work() as tx:
        if not store.set_reminded(tx, request, level):
            return False
    _log.warning(
        _SAID[level],
        request=request_id_text(request.id),
        kind=request.kind.value,
        state=request.state.value,
        due_at=rfc3339(request.due_at),
    )
    return True
