"""SQL of proofs that outlive an erasure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select

from consent_service.consents.tables import KeptProofRow
from consent_service.crypto.envelope import Sealed
from consent_service.storage.bulk import insert_rows


def add(tx: Connection, proofs: Sequence[tuple[UUID, UUID, datetime, Sealed]]) -> None:
    """Keeps proofs: place, id, until when, what."""
    insert_rows(
        tx,
        KeptProofRow,
        [{"place": p, "id": i, "until": until, "proof": sealed} for p, i, until, sealed in proofs],
    )


def delete_due(tx: Connection, now: datetime, limit: int) -> list[UUID]:
    """Destroys proofs whose time is over; the places that have none left."""
    row = KeptProofRow
    due = tx.execute(select(row.place, row.id).where(row.until <= now).limit(limit)).all()
    for place, proof_id in due:
        tx.execute(delete(row).where(row.place == place, row.id == proof_id))
    places = {place for place, _ in due}
    return sorted(places - set(tx.scalars(select(row.place).where(row.place.in_(places)))))
