"""SQL of witnesses."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.storage.direct import Question
from consent_service.witnesses.model import Kind, Witness
from consent_service.witnesses.tables import WitnessRow

_row = WitnessRow
_witnesses = WitnessRow.__table__

is_one_due = Question(
    select(_row.id).where(_row.disabled_at.is_(None), _row.due_at <= bindparam("now"))
)


def add(tx: Connection, new: Witness) -> bool:
    """Keeps a new witness; False when its name is taken."""
    values = asdict(new)
    values |= {"kind": new.kind.value, "every_s": int(values.pop("every").total_seconds())}
    try:
        with tx.begin_nested():
            tx.execute(insert(_row).values(**values))
    except IntegrityError:
        return False
    return True


def find(tx: Connection, name: str) -> Witness | None:
    """The witness of that name."""
    found = tx.execute(select(_witnesses).where(_row.name == name)).one_or_none()
    return None if found is None else _witness(found)


def list_all(tx: Connection) -> list[Witness]:
    """Every witness, by name."""
    return [_witness(row) for row in tx.execute(select(_witnesses).order_by(_row.name))]


def list_behind(tx: Connection, size: int) -> list[Witness]:
    """Those who are not disabled and were not sent so large a tree, the one that waits longest
    first."""
    query = select(_witnesses).where(_row.disabled_at.is_(None), _row.sent_size < size)
    return [_witness(row) for row in tx.execute(query.order_by(_row.due_at, _row.name))]


def disable(tx: Connection, name: str, now: datetime) -> bool:
    """Sends it nothing more; False when there is none, or it is disabled."""
    changed = tx.execute(
        update(_row).where(_row.name == name, _row.disabled_at.is_(None)).values(disabled_at=now)
    )
    return bool(changed.rowcount)


def claim(tx: Connection, seen: Witness, due_at: datetime) -> bool:
    """Puts a witness off, as if sending had failed, before it is tried. False when somebody else
    was faster, or it was disabled."""
    changed = tx.execute(
        update(_row)
        .where(
            _row.id == seen.id,
            _row.due_at == seen.due_at,
            _row.failed_tries == seen.failed_tries,
            _row.disabled_at.is_(None),
        )
        .values(due_at=due_at, failed_tries=seen.failed_tries + 1)
    )
    return bool(changed.rowcount)


def set_sent(
    tx: Connection, witness_id: UUID, size: int, sent_at: datetime, due_at: datetime
) -> None:
    """It has the checkpoint of a size."""
    tx.execute(
        update(_row)
        .where(_row.id == witness_id)
        .values(sent_size=size, sent_at=sent_at, due_at=due_at, failed_tries=0, last_error=None)
    )


def set_none_sent(tx: Connection) -> None:
    """They have nothing of the log under its present name."""
    tx.execute(update(_row).values(sent_size=0, failed_tries=0, last_error=None))


def set_failed(tx: Connection, witness_id: UUID, error: str) -> None:
    """It did not take one, and why, in our own words."""
    tx.execute(update(_row).where(_row.id == witness_id).values(last_error=error[:200]))


def _witness(row: Row[Any]) -> Witness:
    values = dict(row._mapping)
    values |= {"kind": Kind(row.kind), "every": timedelta(seconds=values.pop("every_s"))}
    return Witness(**values)
