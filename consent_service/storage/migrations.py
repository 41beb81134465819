"""Bringing the store's tables to this release."""

from alembic import command
from alembic.config import Config

from consent_service.storage.migrated import MIGRATIONS
from consent_service.storage.unit_of_work import unit_of_work


def migrate(to: str = "head") -> None:
    """Runs every migration that has not run, up to one, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with unit_of_work() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, to)
