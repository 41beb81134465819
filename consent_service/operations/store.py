"""SQL of restores."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from consent_service.operations.model import Outcome, Restore
from consent_service.operations.tables import RestoreRow


def add(tx: Connection, restore: Restore) -> None:
    """Notes that the store was put back."""
    tx.execute(
        insert(RestoreRow).values(
            id=restore.id,
            made_at=restore.made_at,
            restored_at=restore.restored_at,
            log_size=restore.log_size,
        )
    )


def list_open(tx: Connection) -> list[Restore]:
    """Restores that are not finished."""
    return [each for each in list_all(tx) if each.finished_at is None]


def list_all(tx: Connection) -> list[Restore]:
    """Every restore, in order."""
    row = RestoreRow
    return [
        Restore(each.id, each.made_at, each.restored_at, each.log_size, each.finished_at)
        for each in tx.execute(select(row.__table__).order_by(row.restored_at, row.id))
    ]


def finish(tx: Connection, outcome: Outcome, now: datetime) -> None:
    """Notes that they are over."""
    tx.execute(
        update(RestoreRow)
        .where(RestoreRow.finished_at.is_(None))
        .values(finished_at=now, outcome=outcome.value)
    )
