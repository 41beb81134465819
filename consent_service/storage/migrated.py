"""Whether the store's tables are of this release, without what it takes to change them."""

from functools import lru_cache
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from consent_service.kernel.errors import Unavailable
from consent_service.storage.unit_of_work import reading

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_table = Table("alembic_version", MetaData(), Column("version_num", String))  # alembic's own


class StoreOutdated(Unavailable):
    """The store's tables are of another release."""

    code = "store_outdated"
    detail = "The store is not at this release's migration. Run `consent migrate`."


def check_current() -> None:
    """Raises: StoreOutdated, Unavailable."""
    with reading() as tx:
        if _revision(tx) != head():
            raise StoreOutdated()


def head() -> str:
    """The newest migration of this release."""
    return max(_known())


def is_known(migration: str) -> bool:
    """Whether this release has a migration."""
    return migration in _known()


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Each is in a file that begins with its number."""
    found = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return frozenset(file.name.partition("_")[0] for file in found)


def _revision(tx: Connection) -> str | None:
    if not inspect(tx).has_table(_table.name):
        return None
    revision: str | None = tx.scalar(select(_table.c.version_num))
    return revision
