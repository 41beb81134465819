"""Migrated, empty databases: one is migrated for the session, and every test gets a copy."""

import itertools
import secrets
import shutil
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from consent_service.app import create_app
from consent_service.config import Settings
from consent_service.crypto import keyring
from consent_service.storage import migrations
from consent_service.storage.db import db
from tests.support.clock import START


class SqliteStores:
    def __init__(self, directory):
        self._directory = directory
        self._numbers = itertools.count(1)
        self._template = directory / "template.sqlite3"
        _migrate(f"sqlite:///{self._template}")

    @contextmanager
    def fresh(self):
        path = self._directory / f"{next(self._numbers)}.sqlite3"
        shutil.copyfile(self._template, path)
        yield f"sqlite:///{path}"
        for file in self._directory.glob(path.name + "*"):
            file.unlink()

    @contextmanager
    def empty(self):
        """One without any tables."""
        path = self._directory / f"{next(self._numbers)}.sqlite3"
        yield f"sqlite:///{path}"
        for file in self._directory.glob(path.name + "*"):
            file.unlink()


class PostgresStores:
    def __init__(self, server):
        self._server = server
        self._prefix = "consent_test_" + secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._say("CREATE DATABASE {}", self._prefix)
        _migrate(self._url(self._prefix))

    @contextmanager
    def fresh(self):
        name = f"{self._prefix}_{next(self._numbers)}"
        self._say("CREATE DATABASE {} TEMPLATE {}", name, self._prefix)
        yield self._url(name)
        self._say("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def empty(self):
        name = f"{self._prefix}_{next(self._numbers)}"
        self._say("CREATE DATABASE {}", name)
        yield self._url(name)
        self._say("DROP DATABASE {} WITH (FORCE)", name)

    def close(self):
        self._say("DROP DATABASE {} WITH (FORCE)", self._prefix)

    def _url(self, name):
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _say(self, statement, *names):
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _migrate(url):
    app = create_app(settings_for(url, keyring.generate(START)))
    with app.app_context():
        migrations.migrate()
        db.engine.dispose()


def settings_for(url, ring):
    return Settings(database_url=url, keyring=keyring.dump(ring))
