"""The engine and the base of all tables, handed to Flask-SQLAlchemy."""

import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, Uuid, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from consent_service.kernel.errors import MisconfiguredError

WRITES = "consent_writes"
ALONE = "consent_alone"

_ENGINE = "consent.engine"
_app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]  # a proxy's
_USED_AT = "consent_used_at"
IDLE_S = 1.0


class Base(DeclarativeBase):
    """Base of every table. Constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {UUID: Uuid(as_uuid=True)}


class _Database(SQLAlchemy):
    """As Flask-SQLAlchemy's, which asks two weak dictionaries for the engine each time."""

    @property
    def engine(self) -> Engine:
        """The engine of the app under way."""
        found: Engine = _app().extensions[_ENGINE]
        return found


db = _Database(metadata=Base.metadata, disable_autonaming=True)

SPARE = 4  # connections that are kept beyond one a thread
_SETTINGS = (  # which a role or a database may have otherwise, and a URL may not change
    "-c timezone=UTC",
    "-c datestyle=ISO,MDY",
    "-c statement_timeout=30000",
    "-c synchronous_commit=on",
    "-c default_transaction_isolation=read\\ committed",
)


def init_app(app: Flask, database_url: str, threads: int) -> None:
    """Gives the app its engine, for so many threads that ask at once."""
    url = normalised_url(database_url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url, threads)
    at_the_end = list(app.teardown_appcontext_funcs)
    db.init_app(app)
    app.teardown_appcontext_funcs[:] = at_the_end  # its session, which nobody uses, needs no end
    with app.app_context():
        app.extensions[_ENGINE] = db.engines[None]
        prepare_engine(db.engine)


def normalised_url(database_url: str) -> URL:
    """The URL with the driver this service uses. Raises: MisconfiguredError."""
    try:
        url = make_url(database_url)
    except Exception as error:
        raise MisconfiguredError("CONSENT_DATABASE_URL is not a database URL") from error
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return url.set(drivername="sqlite+pysqlite")
    raise MisconfiguredError("CONSENT_DATABASE_URL must name postgresql or sqlite")


def engine_options(url: URL, threads: int) -> dict[str, Any]:
    """Pool and driver settings of the backend. A thread holds one connection, and two at most."""
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"isolation_level": None, "timeout": 5}}
    return {
        "pool_size": threads + SPARE,
        "max_overflow": threads,
        "connect_args": {
            "connect_timeout": 5,
            "keepalives_idle": 30,  # seconds; and milliseconds for what was sent to be received
            "tcp_user_timeout": 35_000,
            "target_session_attrs": "read-write",  # never a standby, which may be behind
            "client_encoding": "utf8",
            "options": " ".join((*_all_of(url, "options"), *_SETTINGS)),
        },
    }


def _all_of(url: URL, name: str) -> tuple[str, ...]:
    """What a URL says of it, once or several times."""
    said = url.query.get(name, ())
    return (said,) if isinstance(said, str) else said


def prepare_engine(engine: Engine) -> None:
    """SQLite: durable, concurrent, really transactional. The driver of Python 3.11 begins
    no transaction at a SELECT and so loses updates; `BEGIN` is ours to say, and a writer
    says `BEGIN IMMEDIATE` first."""
    if engine.dialect.name != "sqlite":
        _look_after_idle(engine)
        return

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: Any) -> None:
        for pragma in (
            "busy_timeout=5000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "cache_size=-4096",  # KiB a connection, and there is one a thread
            "wal_autocheckpoint=8000",  # pages: one that changes often is copied back less often
        ):
            connection.execute("PRAGMA " + pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get(ALONE):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")


def _look_after_idle(engine: Engine) -> None:
    """Asks a connection that has lain unused whether it is still there, before somebody gets it:
    a store that was started anew costs nobody an error, and a busy one no round trip."""

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError() from error  # the pool throws it away and opens another


def autocommit_options(engine: Engine) -> dict[str, Any]:
    """Execution options under which each statement is its own transaction. On SQLite the
    driver is in that mode already and SQLAlchemy's own switch would take it out of it."""
    if engine.dialect.name == "sqlite":
        return {ALONE: True}
    return {"isolation_level": "AUTOCOMMIT"}
