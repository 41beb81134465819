"""SQL of erasures."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select, update

from consent_service.erasures.model import Erasure
from consent_service.erasures.tables import ErasureRow
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import among

_erasures = ErasureRow.__table__


def add(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Adds erasures that start now."""
    rows = [{"id": each, "started_at": now, "entries": 0, "marks": 0} for each in ids]
    insert_rows(tx, ErasureRow, rows)


def find(tx: Connection, erasure_id: UUID) -> Erasure | None:
    """One erasure."""
    return find_many(tx, [erasure_id]).get(erasure_id)


def find_many(tx: Connection, ids: Collection[UUID]) -> dict[UUID, Erasure]:
    """Erasures by id."""
    query = select(_erasures).where(among(tx, ErasureRow.id, list(ids)))
    return {row.id: _erasure(row) for row in tx.execute(query)}


def find_by_link(tx: Connection, sha256: bytes) -> Erasure | None:
    """The erasure that a link is of."""
    row = tx.execute(select(_erasures).where(ErasureRow.link_sha256 == sha256)).one_or_none()
    return None if row is None else _erasure(row)


def set_erased(tx: Connection, erasures: Sequence[tuple[Erasure, bytes | None]]) -> None:
    """Notes that people are gone, how many entries went, and whom to look for once more; each
    with the hash of the link to its certificate."""
    names = ("erased_at", "proof_until", "entries", "marks", "who", "entry_id")
    changes = [
        {"of": gone.id, "new_link": link} | {"new_" + name: getattr(gone, name) for name in names}
        for gone, link in erasures
    ]
    values: dict[str, Any] = {name: bindparam("new_" + name) for name in names}
    values["link_sha256"] = bindparam("new_link")
    if changes:
        tx.execute(
            update(ErasureRow).where(ErasureRow.id == bindparam("of")).values(values), changes
        )


def add_entries(tx: Connection, erasure: Erasure, more: int) -> None:
    """Notes that more entries went."""
    row = ErasureRow
    tx.execute(update(row).where(row.id == erasure.id).values(entries=erasure.entries + more))


def set_swept(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Notes that nothing is left, and forgets whom was looked for."""
    row = ErasureRow
    tx.execute(update(row).where(among(tx, row.id, ids)).values(swept_at=now, who=None))


def list_to_clean(tx: Connection, limit: int) -> list[UUID]:
    """Erasures whose rows are gone and may still stand in the files."""
    row = ErasureRow
    query = select(row.id).where(row.swept_at.is_not(None), row.cleaned_at.is_(None))
    return list(tx.scalars(query.limit(limit)))


def find_last_cleaned(tx: Connection) -> datetime | None:
    """When files were cleaned last."""
    return tx.scalar(select(func.max(ErasureRow.cleaned_at)))


def set_cleaned(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Notes that files were cleaned since these were gone."""
    row = ErasureRow
    tx.execute(update(row).where(among(tx, row.id, ids)).values(cleaned_at=now))


def set_certificates(tx: Connection, certificates: Mapping[UUID, str]) -> None:
    """Keeps certificates; one that is there stays."""
    row = ErasureRow
    if certificates:
        tx.execute(
            update(row)
            .where(row.id == bindparam("of"), row.certificate.is_(None))
            .values(certificate=bindparam("text")),
            [{"of": of, "text": text} for of, text in certificates.items()],
        )


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        row.id,
        row.started_at,
        row.erased_at,
        row.swept_at,
        row.cleaned_at,
        row.proof_until,
        row.entries,
        row.marks,
        row.who,
        row.certificate,
        row.entry_id,
    )
