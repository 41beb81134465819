"""Recipients, use case by use case: telling them, and what they answer."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from consent_service.catalogue import service as catalogues
from consent_service.crypto.keyring import Keyring
from consent_service.customers.aliases import list_ids
from consent_service.customers.model import Customer
from consent_service.customers.opening import OpenCustomer, open_customers
from consent_service.kernel import paging
from consent_service.kernel.actors import Actor
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.privacy_requests import service as privacy_requests
from consent_service.privacy_requests.carriers import Outcome
from consent_service.privacy_requests.model import Request, RequestKind
from consent_service.recipients import store
from consent_service.recipients.finding import find_recipients
from consent_service.recipients.model import (
    CONFIRMED,
    About,
    Task,
    TaskEnded,
    TaskKind,
    TaskOutcome,
    Words,
    is_overdue,
    is_told,
    list_restricted,
    next_try,
    task_id_text,
    types_for,
)
from consent_service.recipients.sealing import seal_about
from consent_service.storage.unit_of_work import reading, unit_of_work

Teller = Callable[[Task, datetime], bool]
"""Tells a recipient that there is something in its queue (event `privacy_request.for_recipient`);
whether it was reached, or will be by whoever took it on. Called again, later and later, until it
was. It is not told whom it is about: that is in the queue."""

_BATCH = 200
_tellers: list[Teller] = []

_log = structlog.get_logger("consent.recipients")


def hand_in(*tellers: Teller) -> None:
    """Puts these tellers in place of those before. Without any, recipients look for themselves."""
    _tellers[:] = tellers


def tell(request: Request, now: datetime, keys: Keyring) -> bool:
    """Puts a request into the queue of everybody to whom its customer's data went, in the caller's
    unit of work, which holds the customer; whether there is anybody. Telling twice is once."""
    opened = open_customers([CustomerId(request.place)], keys)
    return bool(tell_of_many([request], opened, now, keys))


def tell_of_many(
    requests: Sequence[Request],
    opened: Mapping[CustomerId, OpenCustomer],
    now: datetime,
    keys: Keyring,
) -> set[UUID]:
    """As `tell`, of requests of one kind, whose customers are there; of which somebody is told."""
    if not requests:
        return set()
    kind, catalogue = requests[0].kind, catalogues.current()
    marketing_only = kind is RequestKind.OBJECTION
    wanted = find_recipients(list(opened), marketing_only=marketing_only)
    ids = list_ids(list(opened))
    with unit_of_work() as tx:
        told = {(t.request_id, t.recipient) for t in store.list_of(tx, [r.id for r in requests])}
        fresh = [
            _task(request, key, opened[place].customer, ids[place], now, keys)
            for request in requests
            for place in (CustomerId(request.place),)
            for key in sorted(wanted[place])
            if (request.id, key) not in told and is_told(key, kind, catalogue)
        ]
        store.add(tx, fresh)
    return {request_id for request_id, _ in told} | {task.request_id for task in fresh}


def tell_end(request: Request, now: datetime, keys: Keyring) -> None:
    """Tells everybody who was told to restrict a customer's data that this has ended with a
    request, in the caller's unit of work, which holds the customer."""
    place = CustomerId(request.place)
    asked = privacy_requests.list_of_customers([place])
    with unit_of_work() as tx:
        wanted = list_restricted(store.list_of(tx, [each.id for each in asked]))
        if wanted:
            customer, ids = open_customers([place], keys)[place].customer, list_ids([place])[place]
            kind = TaskKind.RESTRICTION_END
            store.add(tx, [_task(request, key, customer, ids, now, keys, kind) for key in wanted])


def list_for(recipients: Collection[str], cursor: str | None, limit: int) -> Page[Task]:
    """What is still to be answered by these recipients. Raises: Invalid for a cursor of others."""
    bound_to = " ".join(sorted(recipients))
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    with reading() as tx:
        found = store.list_open(tx, recipients, after, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def get_open_task(task_id: UUID, recipients: Collection[str]) -> Task:
    """What one of these recipients is told and has not answered. Raises: NotFound for what is
    another's, TaskEnded."""
    with reading() as tx:
        task = store.find(tx, task_id)
    if task is None or task.recipient not in recipients:
        raise NotFound()
    if task.ended_at is not None:
        raise TaskEnded()
    return task


def confirm(
    task_id: UUID,
    recipients: Collection[str],
    outcome: TaskOutcome,
    words: Words | None,
    now: datetime,
) -> Task:
    """Takes what a recipient answers; the same answer again changes nothing. Raises: NotFound for
    what is another's, TaskEnded."""
    with unit_of_work() as tx:
        task = store.find(tx, task_id)
        if task is None or task.recipient not in recipients:
            raise NotFound()
        store.end(tx, task, outcome, words, now)
        ended = store.find(tx, task_id)
    if ended is None:
        raise NotFound()
    if (ended.outcome, ended.words) != (outcome, words):
        raise TaskEnded()
    return ended


def settle(request_id: UUID, recipient: str, actor: Actor, now: datetime) -> Task:
    """Says that a recipient's answer is waited for no longer: the request then ends without it,
    and says so. Raises: NotFound, TaskEnded."""
    with reading() as tx:
        found = [task for task in store.list_of(tx, [request_id]) if task.recipient == recipient]
    if not found:
        raise NotFound()
    task = next((each for each in found if each.ended_at is None), found[-1])
    with unit_of_work():
        if task.ended_at is None:
            ledger.append([_settled(recipient, actor, now)])
        return confirm(task.id, [recipient], TaskOutcome.SETTLED, None, now)


def give_up(request_id: UUID, now: datetime) -> None:
    """Waits no longer for whoever has not answered, in the caller's unit of work: the time is
    over."""
    with unit_of_work() as tx:
        for task in store.list_of(tx, [request_id]):
            store.end(tx, task, TaskOutcome.SETTLED, None, now)


def list_outstanding(request: Request) -> list[str]:
    """The recipients who were told of a request and have not answered."""
    return [task.recipient for task in list_of(request.id) if task.ended_at is None]


def list_of(request_id: UUID) -> list[Task]:
    """What recipients were told of a request, by recipient."""
    with reading() as tx:
        return store.list_of(tx, [request_id])


def list_of_many(request_ids: Collection[UUID]) -> dict[UUID, list[Task]]:
    """What recipients were told of requests; those of which nobody was told are left out."""
    with reading() as tx:
        found = store.list_of(tx, request_ids)
    by_request: dict[UUID, list[Task]] = {}
    for task in found:
        by_request.setdefault(task.request_id, []).append(task)
    return by_request


def find_outcomes(request_ids: Collection[UUID]) -> dict[UUID, Outcome]:
    """Of the requests that somebody was told of and all have answered, what came of it."""
    return {
        request_id: outcome_of(tasks)
        for request_id, tasks in list_of_many(request_ids).items()
        if all(task.ended_at is not None for task in tasks)
    }


def outcome_of(tasks: Iterable[Task]) -> Outcome:
    """What is left of a request: those who have not confirmed it."""
    return Outcome(tuple(task.recipient for task in tasks if task.outcome not in CONFIRMED))


def are_waited_for(request_id: UUID) -> bool:
    """Whether somebody who was told of a request has not answered."""
    return any(task.ended_at is None for task in list_of(request_id))


def list_progress(request_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """How far each recipient of a request is, as it is shown."""
    return [
        {
            "recipient": task.recipient,
            "kind": task.kind.value,
            "told_at": rfc3339(task.told_at),
            "reached_at": None if task.reached_at is None else rfc3339(task.reached_at),
            "ended_at": None if task.ended_at is None else rfc3339(task.ended_at),
            "outcome": None if task.outcome is None else task.outcome.value,
            "words": None if task.words is None else task.words.value,
            "overdue": is_overdue(task, now),
        }
        for task in list_of(request_id)
    ]


def is_one_to_reach(now: datetime) -> bool:
    """Whether there is anything for `reach` to do."""
    return bool(_tellers) and store.is_one_due(now)


def reach(now: datetime) -> int:
    """Tells recipients that something waits for them, those that were not reached again; how many
    were told. Each is told by itself: one that is off holds nobody else back."""
    if not _tellers:
        return 0
    with reading() as tx:
        due = store.list_due(tx, now, _BATCH)
    return sum(_reach(task, now) for task in due)


def _reach(task: Task, now: datetime) -> bool:
    tries = task.tries + 1
    later = next_try(task.told_at, tries, now)
    with unit_of_work() as tx:
        if not store.put_off(tx, task, tries, later):
            return False
    about = {"task": task_id_text(task), "recipient": task.recipient, "tries": tries}
    reached = False
    try:
        reached = all(teller(task, now) for teller in _tellers)
    except Exception as error:  # a teller's fault is its own
        _log.error("recipients:task:not_told", **about, error_kind=type(error).__name__)
    if reached:
        with unit_of_work() as tx:
            store.set_reached(tx, task, now)
    elif later is None:
        _log.warning("recipients:task:given_up", **about)
    return reached


def _settled(recipient: str, actor: Actor, now: datetime) -> Entry:
    """A staff act, about nobody: the person may be gone."""
    entry_id = new_uuid()
    kind, reason = EntryKind.STAFF_ACT, "recipient_settled"
    about_nobody = Entry(
        entry_id, entry_id, False, kind, now, now, actor.in_log, recipient=recipient, reason=reason
    )
    return ledger.bare_entry(about_nobody)


def _task(
    request: Request,
    recipient: str,
    customer: Customer,
    ids: Sequence[CustomerId],
    now: datetime,
    keys: Keyring,
    kind: TaskKind | None = None,
) -> Task:
    """`kind`: that of the request, unless it is told of something else."""
    types = types_for(recipient, catalogues.current())
    known_by = tuple((i.type, i.value) for i in customer.identifiers if i.type in types)
    task_id = new_uuid()
    sealed = seal_about(About(tuple(ids), known_by), task_id, keys)
    said = TaskKind(request.kind.value) if kind is None else kind
    return Task(task_id, request.id, recipient, said, now, sealed, now)
