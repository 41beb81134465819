"""SQL of the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from consent_service.mail.model import Waiting
from consent_service.mail.tables import OutboxRow
from consent_service.storage.direct import Question

_outbox = OutboxRow.__table__

is_one_due = Question(select(OutboxRow.id).where(OutboxRow.due_at <= bindparam("now")))


def add(tx: Connection, waiting: Sequence[Waiting]) -> None:
    """Puts letters into the outbox, due at once."""
    if waiting:
        tx.execute(
            insert(OutboxRow),
            [
                {
                    "customer_id": each.place,
                    "id": each.id,
                    "kind": each.kind,
                    "letter": each.sealed,
                    "created_at": each.created_at,
                    "due_at": each.created_at,
                    "expires_at": each.expires_at,
                    "failed_tries": each.failed_tries,
                }
                for each in waiting
            ],
        )


def list_due(tx: Connection, now: datetime, limit: int) -> list[Waiting]:
    """The letters whose time has come, the one that waits longest first."""
    query = select(_outbox).where(OutboxRow.due_at <= now, OutboxRow.expires_at > now)
    return [_waiting(row) for row in tx.execute(query.order_by(OutboxRow.due_at).limit(limit))]


def list_newest(tx: Connection, limit: int) -> list[Waiting]:
    """The letters written last, the newest first."""
    query = select(_outbox).order_by(OutboxRow.created_at.desc(), OutboxRow.id.desc())
    return [_waiting(row) for row in tx.execute(query.limit(limit))]


def list_of_customer(tx: Connection, customer: UUID) -> list[Waiting]:
    """The letters that wait for one customer."""
    query = select(_outbox).where(OutboxRow.customer_id == customer).order_by(OutboxRow.id)
    return [_waiting(row) for row in tx.execute(query)]


def put_off(tx: Connection, waiting: Waiting, failed_tries: int, due_at: datetime) -> bool:
    """Makes a letter due later. False when another worker has it, or it is gone."""
    changed = tx.execute(
        update(OutboxRow)
        .where(
            OutboxRow.customer_id == waiting.place,
            OutboxRow.id == waiting.id,
            OutboxRow.failed_tries == waiting.failed_tries,
        )
        .values(failed_tries=failed_tries, due_at=due_at)
    )
    return bool(changed.rowcount)


def delete_one(tx: Connection, place: UUID, letter_id: UUID) -> None:
    """Removes a letter that was sent, or cannot be."""
    tx.execute(delete(OutboxRow).where(OutboxRow.customer_id == place, OutboxRow.id == letter_id))


def delete_untried(tx: Connection, place: UUID, letter_id: UUID) -> bool:
    """Removes a letter that nobody began to send; whether there was one."""
    mine = (OutboxRow.customer_id == place, OutboxRow.id == letter_id, OutboxRow.failed_tries == 0)
    return bool(tx.execute(delete(OutboxRow).where(*mine)).rowcount)


def delete_of_customer(tx: Connection, customers: Sequence[UUID]) -> None:
    """Removes all that waits for a customer."""
    tx.execute(delete(OutboxRow).where(OutboxRow.customer_id.in_(customers)))


def delete_expired(tx: Connection, now: datetime) -> int:
    """Removes what says nothing that still holds; how many went."""
    return tx.execute(delete(OutboxRow).where(OutboxRow.expires_at <= now)).rowcount


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        row.customer_id,
        row.id,
        row.kind,
        row.letter,
        row.created_at,
        row.expires_at,
        row.failed_tries,
    )
