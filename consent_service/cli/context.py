"""What surrounds a command: its settings, the app, and who is acting."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask

from consent_service import wsgi
from consent_service.cli.options import DATA_DIR, DATABASE_URL
from consent_service.config import Settings, load_settings
from consent_service.customers.key_marks import check_keyring
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import MisconfiguredError
from consent_service.operations.gate import check_replayed
from consent_service.storage import db
from consent_service.storage.migrated import check_current
from consent_service.web.runtime import keys, runtime


def chosen_settings(**overrides: object) -> Settings:
    """The settings, with the command line on top. A data directory that is named there is
    the store, even where the environment names a database. Raises: MisconfiguredError."""
    meta = click.get_current_context().meta
    data_dir, database_url = meta.get(DATA_DIR), meta.get(DATABASE_URL)
    unset = {"database_url"} if data_dir is not None and database_url is None else set()
    return load_settings(
        without=frozenset(unset), data_dir=data_dir, database_url=database_url, **overrides
    )


@contextmanager
def running_app(
    settings: Settings | None = None,
    *,
    migrated: bool = True,
    keys_fit: bool = True,
    replayed: bool = True,
) -> Iterator[Flask]:
    """The app, made for a command, and `running` around it. Raises: as that does."""
    app = wsgi.application(chosen_settings() if settings is None else settings)
    with running(app, migrated=migrated, keys_fit=keys_fit, replayed=replayed):
        yield app


@contextmanager
def running(
    app: Flask, *, migrated: bool = True, keys_fit: bool = True, replayed: bool = True
) -> Iterator[None]:
    """An app's context; its connections are closed at the end.

    Raises: MisconfiguredError when it must not start like this; with `migrated`, StoreOutdated
    when the store is of another release; with `replayed` too, NotReplayed while it is put back;
    with `keys_fit` too, MisconfiguredError when the keys are not those that the store's data was
    made with.
    """
    with app.app_context():
        _check_directory(runtime().settings)
        try:
            if migrated:
                check_current()
                if replayed:
                    check_replayed()
                if keys_fit:
                    check_keyring(keys())
            yield
        finally:
            db.db.engine.dispose()


def begin_with(app: Flask) -> None:
    """First steps with an app that this process was forked with: the keys are those of now, or it
    does not start. Raises: MisconfiguredError."""
    with app.app_context():
        runtime().keyring.load()


def actor() -> Actor:
    """Whoever sits at the terminal, by the name the operating system knows."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "cli"
    return Actor(ActorKind.STAFF, name[:64])


def _check_directory(settings: Settings) -> None:
    directory = settings.data_dir
    if settings.database_url is None and directory is not None and not directory.is_dir():
        raise MisconfiguredError(f"CONSENT_DATA_DIR: there is no directory {directory}")
