"""SQL of what recipients are told."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from consent_service.recipients.model import Task, TaskKind, TaskOutcome, Words
from consent_service.recipients.tables import RecipientTaskRow
from consent_service.storage.bulk import insert_rows
from consent_service.storage.direct import Question
from consent_service.storage.many import among

_tasks = RecipientTaskRow.__table__

is_one_due = Question(
    select(RecipientTaskRow.id).where(
        RecipientTaskRow.next_at <= bindparam("now"), RecipientTaskRow.ended_at.is_(None)
    )
)


def add(tx: Connection, tasks: Sequence[Task]) -> None:
    """Adds tasks."""
    insert_rows(tx, RecipientTaskRow, [_values(task) for task in tasks])


def find(tx: Connection, task_id: UUID) -> Task | None:
    """One task."""
    row = tx.execute(select(_tasks).where(RecipientTaskRow.id == task_id)).one_or_none()
    return None if row is None else _task(row)


def list_of(tx: Connection, request_ids: Collection[UUID]) -> list[Task]:
    """The tasks of requests, by recipient, in the order in which they were told."""
    row = RecipientTaskRow
    query = select(_tasks).where(among(tx, row.request_id, list(request_ids)))
    return [
        _task(found) for found in tx.execute(query.order_by(row.request_id, row.recipient, row.id))
    ]


def list_open(
    tx: Connection, recipients: Collection[str], after: UUID | None, limit: int
) -> list[Task]:
    """What is still to be answered by recipients, the oldest first."""
    row = RecipientTaskRow
    query = select(_tasks).where(row.recipient.in_(sorted(recipients)), row.ended_at.is_(None))
    if after is not None:
        query = query.where(row.id > after)
    return [_task(found) for found in tx.execute(query.order_by(row.id).limit(limit))]


def list_due(tx: Connection, now: datetime, limit: int) -> list[Task]:
    """Those whose recipient is to be told again, the longest waiting first."""
    row = RecipientTaskRow
    query = select(_tasks).where(row.next_at <= now, row.ended_at.is_(None))
    return [_task(found) for found in tx.execute(query.order_by(row.next_at).limit(limit))]


def end(
    tx: Connection, task: Task, outcome: TaskOutcome, words: Words | None, now: datetime
) -> bool:
    """Ends a task, and forgets whom it was about. False when it had ended."""
    row = RecipientTaskRow
    changed = tx.execute(
        update(row)
        .where(row.id == task.id, row.ended_at.is_(None))
        .values(
            ended_at=now,
            outcome=outcome.value,
            words=None if words is None else words.value,
            about=None,
            next_at=None,
        )
    )
    return bool(changed.rowcount)


def put_off(tx: Connection, task: Task, tries: int, next_at: datetime | None) -> bool:
    """Notes a try, before it is made. False when another worker makes it."""
    row = RecipientTaskRow
    mine = (row.id == task.id, row.tries == task.tries, row.ended_at.is_(None))
    return bool(tx.execute(update(row).where(*mine).values(tries=tries, next_at=next_at)).rowcount)


def set_reached(tx: Connection, task: Task, now: datetime) -> None:
    """Notes that a recipient was reached."""
    row = RecipientTaskRow
    tx.execute(update(row).where(row.id == task.id).values(reached_at=now, next_at=None))


def delete_of(tx: Connection, request_ids: Sequence[UUID]) -> None:
    """Removes the tasks of requests."""
    if request_ids:
        row = RecipientTaskRow
        tx.execute(delete(row).where(row.request_id.in_(request_ids)))


def _values(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "request_id": task.request_id,
        "recipient": task.recipient,
        "kind": task.kind.value,
        "told_at": task.told_at,
        "tries": task.tries,
        "next_at": task.next_at,
        "about": task.about,
    }


def _task(row: Row[Any]) -> Task:
    return Task(
        row.id,
        row.request_id,
        row.recipient,
        TaskKind(row.kind),
        row.told_at,
        row.about,
        row.next_at,
        row.tries,
        row.reached_at,
        row.ended_at,
        None if row.outcome is None else TaskOutcome(row.outcome),
        None if row.words is None else Words(row.words),
    )
