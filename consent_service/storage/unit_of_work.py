"""The two doors for SQL. `unit_of_work` is the only commit in the service; `reading` is a
connection in autocommit, where each statement stands alone and sees what is committed.

A unit of work opened inside another joins it: a service function says what must hold
together, and whoever calls several makes them one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from consent_service.kernel.errors import Unavailable
from consent_service.storage.db import WRITES, autocommit_options, db
from consent_service.storage.turns import WAIT_S, turn_of

_NO_SUCH_TABLE = "42P01"  # PostgreSQL's; on SQLite it is an OperationalError

_open: ContextVar[Connection | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def unit_of_work() -> Iterator[Connection]:
    """One transaction: committed when the block ends, rolled back when it raises.

    Raises: Unavailable when the store cannot carry it out.
    """
    outer = _open.get()
    if outer is not None:
        yield outer
        return
    with _store_errors(), db.engine.connect() as plain:
        connection = plain.execution_options(**{WRITES: True})
        with turn_to_write(), connection.begin():
            mark = _open.set(connection)
            try:
                yield connection
            finally:
                _open.reset(mark)


@contextmanager
def turn_to_write() -> Iterator[None]:
    """On SQLite, the turn of whoever writes by a statement that stands alone; a unit of work has
    it. The connection comes first: who has the turn must not wait for one of those who wait for it.
    Raises: Unavailable when it does not come."""
    turn = None if _open.get() is not None else turn_of(db.engine)
    if turn is None:
        yield
        return
    with turn.taken(time.monotonic() + WAIT_S):
        yield


def joined() -> Connection | None:
    """The connection of the unit of work that is open here."""
    return _open.get()


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection in autocommit; inside a unit of work, that unit's own.

    Raises: Unavailable when the store cannot answer.
    """
    outer = _open.get()
    if outer is not None:
        yield outer
        return
    with _store_errors(), db.engine.connect() as connection:
        yield connection.execution_options(**autocommit_options(db.engine))


@contextmanager
def snapshot(moment: str | None = None) -> Iterator[Connection]:
    """The whole store as it is at one moment, for as long as reading it takes; inside a unit of
    work, that unit's own connection, and what it holds. On PostgreSQL, if it is named by
    `pg_export_snapshot()`, at the `moment` of another. Raises: Unavailable when the store cannot
    answer."""
    outer = _open.get()
    if outer is not None:
        yield outer
        return
    with _store_errors(), db.engine.connect() as plain:
        postgres = db.engine.dialect.name == "postgresql"
        options = {"isolation_level": "REPEATABLE READ"} if postgres else {}
        connection = plain.execution_options(**options)
        with connection.begin():
            if moment is not None:
                _be_at(connection, moment)
            if postgres:
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            mark = _open.set(connection)
            try:
                yield connection
            finally:
                _open.reset(mark)


def is_one_to_spare() -> bool:
    """Whether one more connection can be had without waiting, and leaves some for others."""
    pool = db.engine.pool
    return isinstance(pool, QueuePool) and pool.checkedout() < pool.size()


def _be_at(connection: Connection, moment: str) -> None:
    try:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{moment}'")
    except DBAPIError as error:  # it is over, or another server's behind a proxy
        raise Unavailable() from error


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, PendingRollbackError) as error:
        # the last of whoever goes on after the connection was lost
        raise Unavailable() from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", "") == _NO_SUCH_TABLE:
            raise Unavailable() from error
        raise
