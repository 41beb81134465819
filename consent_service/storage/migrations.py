"""Bringing the store's tables to this release, and telling whether they are."""

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from consent_service.kernel.errors import Unavailable
from consent_service.storage.unit_of_work import reading, unit_of_work

_LOCATION = Path(__file__).parents[2] / "migrations"


class StoreOutdated(Unavailable):
    """The store's tables are of another release."""

    code = "store_outdated"
    detail = "The store is not at this release's migration. Run `consent migrate`."


def migrate(to: str = "head") -> None:
    """Runs every migration that has not run, up to one, in one transaction."""
    with unit_of_work() as tx:
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, to)


def is_known(migration: str) -> bool:
    """Whether this release has a migration."""
    script = ScriptDirectory.from_config(_config())
    return migration in {each.revision for each in script.walk_revisions()}


def head() -> str:
    """The newest migration of this release."""
    found = _head()
    assert found is not None
    return found


def check_current() -> None:
    """Raises: StoreOutdated, Unavailable."""
    with reading() as tx:
        if _revision(tx) != head():
            raise StoreOutdated()


def _revision(tx: Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


@lru_cache(maxsize=1)
def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_LOCATION))
    return config
