"""SQL of proofs that outlive an erasure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select

from consent_service.consents.tables import KeptProofRow
from consent_service.crypto.envelope import Sealed
from consent_service.storage.bulk import insert_rows

Proof = tuple[UUID, UUID, datetime, Sealed, UUID | None]


def add(tx: Connection, proofs: Sequence[Proof]) -> None:
    """Keeps proofs: place, id, until when, what, by which request."""
    names = ("place", "id", "until", "proof", "request_id")
    rows = [dict(zip(names, proof, strict=True)) for proof in proofs]
    insert_rows(tx, KeptProofRow, rows)


def find_place(tx: Connection, request_id: UUID) -> UUID | None:
    """Where the proofs are that were kept when a request was carried out."""
    row = KeptProofRow
    return tx.scalar(select(row.place).where(row.request_id == request_id).limit(1))


def list_places(tx: Connection, places: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of these places where a proof is kept."""
    row = KeptProofRow
    return set(tx.scalars(select(row.place).where(row.place.in_(places), row.until > now)))


def list_kept(tx: Connection, place: UUID, now: datetime) -> list[tuple[UUID, datetime, Sealed]]:
    """The proofs at a place whose time is not over: id, until when, what."""
    row = KeptProofRow
    query = select(row.id, row.until, row.proof).where(row.place == place, row.until > now)
    return [(found.id, found.until, found.proof) for found in tx.execute(query.order_by(row.id))]


def delete_due(tx: Connection, now: datetime, limit: int) -> list[UUID]:
    """Destroys proofs whose time is over; the places that have none left."""
    row = KeptProofRow
    due = tx.execute(select(row.place, row.id).where(row.until <= now).limit(limit)).all()
    for place, proof_id in due:
        tx.execute(delete(row).where(row.place == place, row.id == proof_id))
    places = {place for place, _ in due}
    return sorted(places - set(tx.scalars(select(row.place).where(row.place.in_(places)))))
