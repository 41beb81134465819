"""SQL of screenings."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, tuple_
from sqlalchemy import delete as delete_from

from consent_service.screenings.model import Screening
from consent_service.screenings.tables import ScreeningRow, ScreeningShardRow
from consent_service.storage.bulk import insert_rows

_AT_ONCE = 200


def add(tx: Connection, screening: Screening) -> None:
    """Adds a screening."""
    tx.execute(
        insert(ScreeningRow).values(
            id=screening.id,
            client_id=screening.client_id,
            recipient=screening.recipient,
            evaluated_at=screening.evaluated_at,
            salt=screening.salt,
            payload=screening.payload,
            key=screening.key,
            shard_bits=" ".join(map(str, screening.shard_bits)),
        )
    )


def add_shards(
    tx: Connection, screening_id: UUID, shards: Iterable[tuple[int, int, bytes]]
) -> None:
    """Adds shards of members: part, number, members."""
    waiting = iter(shards)
    while some := list(islice(waiting, _AT_ONCE)):
        insert_rows(
            tx,
            ScreeningShardRow,
            [
                {"screening_id": screening_id, "part": part, "shard": shard, "members": members}
                for part, shard, members in some
            ],
        )


def find(tx: Connection, screening_id: UUID) -> Screening | None:
    """One screening."""
    query = select(ScreeningRow.__table__).where(ScreeningRow.id == screening_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else _screening(row)


def list_between(tx: Connection, after: UUID, until: UUID, limit: int) -> list[UUID]:
    """The oldest screenings that were made after an id and before another."""
    made = ScreeningRow.id
    query = select(made).where(made > after, made < until).order_by(made)
    return list(tx.scalars(query.limit(limit)))


def delete(tx: Connection, ids: Sequence[UUID]) -> None:
    """Removes screenings and their members."""
    tx.execute(delete_from(ScreeningShardRow).where(ScreeningShardRow.screening_id.in_(ids)))
    tx.execute(delete_from(ScreeningRow).where(ScreeningRow.id.in_(ids)))


def find_many(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, Screening]:
    """Screenings by id."""
    query = select(ScreeningRow.__table__).where(ScreeningRow.id.in_(ids))
    return {row.id: _screening(row) for row in tx.execute(query)}


def find_shards(
    tx: Connection, wanted: Sequence[tuple[UUID, int, int]]
) -> dict[tuple[UUID, int, int], bytes]:
    """The members of shards, by screening, part and number."""
    row = ScreeningShardRow
    found: dict[tuple[UUID, int, int], bytes] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        query = select(row.__table__).where(
            tuple_(row.screening_id, row.part, row.shard).in_(wanted[at : at + _AT_ONCE])
        )
        for each in tx.execute(query):
            found[each.screening_id, each.part, each.shard] = bytes(each.members)
    return found


def list_shards(tx: Connection, screening_id: UUID, part: int) -> list[tuple[int, bytes]]:
    """Every shard of a part from a screening, in order: number, members."""
    row = ScreeningShardRow
    query = select(row.shard, row.members).where(row.screening_id == screening_id, row.part == part)
    return [(found.shard, bytes(found.members)) for found in tx.execute(query.order_by(row.shard))]


def _screening(row: Row[Any]) -> Screening:
    return Screening(
        row.id,
        row.client_id,
        row.recipient,
        row.evaluated_at,
        bytes(row.salt),
        bytes(row.payload),
        bytes(row.key),
        tuple(map(int, row.shard_bits.split())),
    )
