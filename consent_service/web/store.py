"""SQL of the idempotency tables."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from consent_service.crypto.envelope import Sealed
from consent_service.storage.direct import Door, Refused
from consent_service.storage.prepared import Prepared
from consent_service.web.tables import IdempotencyClaimRow as Claim
from consent_service.web.tables import IdempotencyRecordRow as Record

_CLAIM, _KEEP = Prepared(insert(Claim)), Prepared(insert(Record))


def add_claim(door: Door, client_id: str, key: bytes, fingerprint: bytes, now: datetime) -> bool:
    """Claims a key, outside any unit of work. False when somebody holds it already."""
    try:
        door.execute(
            _CLAIM, client_id=client_id, key_digest=key, fingerprint=fingerprint, claimed_at=now
        )
    except Refused:
        return False
    return True


def find_claim(tx: Connection, client_id: str, key: bytes) -> tuple[bytes, datetime] | None:
    """The fingerprint and time of a claim."""
    row = tx.execute(
        select(Claim.fingerprint, Claim.claimed_at).where(
            Claim.client_id == client_id, Claim.key_digest == key
        )
    ).one_or_none()
    return None if row is None else (row.fingerprint, row.claimed_at)


def take_over_claim(
    tx: Connection, client_id: str, key: bytes, seen: datetime, now: datetime
) -> bool:
    """Takes over a claim whose holder died. False when another was faster."""
    return bool(
        tx.execute(
            update(Claim)
            .where(Claim.client_id == client_id, Claim.key_digest == key, Claim.claimed_at == seen)
            .values(claimed_at=now)
        ).rowcount
    )


def delete_claim(tx: Connection, client_id: str, key: bytes) -> None:
    """Lets a key go."""
    tx.execute(delete(Claim).where(Claim.client_id == client_id, Claim.key_digest == key))


def add_record(
    door: Door, place: UUID, client_id: str, key: bytes, reply: Sealed, now: datetime
) -> None:
    """Keeps an answer. Raises: Refused."""
    door.execute(
        _KEEP, customer_id=place, client_id=client_id, key_digest=key, reply=reply, recorded_at=now
    )


def find_record(tx: Connection, client_id: str, key: bytes) -> tuple[UUID, Sealed] | None:
    """The place and the kept answer of a key."""
    row = tx.execute(
        select(Record.customer_id, Record.reply).where(
            Record.client_id == client_id, Record.key_digest == key
        )
    ).first()
    return None if row is None else (row.customer_id, row.reply)


def delete_customer_records(tx: Connection, customers: Sequence[UUID]) -> None:
    """Forgets the answers about one customer."""
    tx.execute(delete(Record).where(Record.customer_id.in_(customers)))


def delete_before(tx: Connection, instant: datetime) -> int:
    """Forgets what is past its time; how many records went."""
    tx.execute(delete(Claim).where(Claim.claimed_at < instant))
    return tx.execute(delete(Record).where(Record.recorded_at < instant)).rowcount
