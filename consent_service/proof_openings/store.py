"""SQL of openings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select, update

from consent_service.proof_openings.model import Basis, Opening, State
from consent_service.proof_openings.tables import ProofOpeningRow

_openings = ProofOpeningRow.__table__


def add(tx: Connection, opening: Opening) -> None:
    """Adds an opening."""
    values = {name: getattr(opening, name) for name in opening.__struct_fields__}
    tx.execute(insert(ProofOpeningRow).values(values))


def find(tx: Connection, opening_id: UUID) -> Opening | None:
    """One opening."""
    row = tx.execute(select(_openings).where(ProofOpeningRow.id == opening_id)).one_or_none()
    return None if row is None else _opening(row)


def list_after(tx: Connection, after: UUID | None, limit: int) -> list[Opening]:
    """Openings in the order in which they were asked for."""
    query = select(_openings).order_by(ProofOpeningRow.id).limit(limit)
    if after is not None:
        query = query.where(ProofOpeningRow.id > after)
    return [_opening(row) for row in tx.execute(query)]


def move(
    tx: Connection, opening_id: UUID, before: State, after: State, now: datetime, **values: Any
) -> bool:
    """Takes an opening from one state to the next. False when it is in another, or has expired: one
    statement, so that of many who try one does it."""
    row = ProofOpeningRow
    is_there = (row.id == opening_id) & (row.state == before.value) & (row.expires_at > now)
    changed = tx.execute(update(row).where(is_there).values(state=after.value, **values))
    return bool(changed.rowcount)


def list_places(tx: Connection, before: datetime) -> list[tuple[UUID, UUID]]:
    """Openings that were over before an instant: id, place. They are few."""
    row = ProofOpeningRow
    query = select(row.id, row.place).where(row.expires_at < before)
    return [(found.id, found.place) for found in tx.execute(query)]


def delete_many(tx: Connection, ids: Sequence[UUID]) -> None:
    """Removes openings."""
    tx.execute(delete(ProofOpeningRow).where(ProofOpeningRow.id.in_(ids)))


def _opening(row: Row[Any]) -> Opening:
    return Opening(
        row.id,
        row.place,
        row.request_id,
        Basis(row.basis),
        row.reason,
        State(row.state),
        row.asked_by,
        row.asked_at,
        row.expires_at,
        row.decided_by,
        row.decided_at,
        row.fetched_at,
    )
