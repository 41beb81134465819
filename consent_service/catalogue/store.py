"""SQL of the catalogue."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from consent_service.catalogue.tables import CatalogueRow
from consent_service.catalogue.versions import StoredCatalogue
from consent_service.kernel.actors import Actor


def newest_version(tx: Connection) -> int | None:
    """The number of the version in force; None before the first."""
    return tx.scalar(_NEWEST)


_NEWEST = select(func.max(CatalogueRow.version))


def version_at(tx: Connection, instant: datetime) -> int | None:
    """The number of the version that was in force at an instant; None before the first."""
    return tx.scalar(
        select(func.max(CatalogueRow.version)).where(CatalogueRow.recorded_from <= instant)
    )


def find_catalogue(tx: Connection, version: int) -> StoredCatalogue | None:
    """One version."""
    row = tx.execute(
        select(
            CatalogueRow.version,
            CatalogueRow.document,
            CatalogueRow.sha256,
            CatalogueRow.recorded_from,
        ).where(CatalogueRow.version == version)
    ).one_or_none()
    if row is None:
        return None
    return StoredCatalogue(row.version, row.document, bytes(row.sha256), row.recorded_from)


def add_catalogue(tx: Connection, stored: StoredCatalogue, actor: Actor) -> bool:
    """Adds a version. False, with nothing added, when that number is taken."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(CatalogueRow).values(
                    version=stored.version,
                    document=stored.document,
                    sha256=stored.sha256,
                    recorded_from=stored.recorded_from,
                    actor_kind=actor.kind.value,
                    actor_id=actor.id,
                )
            )
    except IntegrityError:
        return False
    return True
