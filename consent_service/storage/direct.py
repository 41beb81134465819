"""A third door, for the few statements that every check sends: compiled once, prepared once for
each connection, and past what SQLAlchemy and psycopg do around each execution, which takes
several times what the store does (ADR 19 has the figures).

The statements are Core's own, and every value goes through its column's type. Connections are in
autocommit: each statement stands alone, sees what is committed, and is durable when it returns.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from threading import Lock
from typing import Any, NoReturn, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

from consent_service.kernel.errors import Unavailable
from consent_service.storage.db import IDLE_S, db
from consent_service.storage.libpq import sender, sender_along, sender_within
from consent_service.storage.pipeline import Pipeline
from consent_service.storage.prepared import Along, Prepared
from consent_service.storage.turns import turn_of
from consent_service.storage.unit_of_work import joined
from consent_service.storage.writers import Writers, in_order

_NONE: Mapping[Along, Pipeline] = {}

_one_maker = Lock()
_doors: WeakKeyDictionary[Engine, "_Doors"] = WeakKeyDictionary()


class Refused(Exception):
    """The store would not carry out a statement, for a reason of the statement's."""


class Door:
    """Of one thread, to the store: a connection of the driver's, checked out at first use, and what
    goes along with other threads' past it. Once it is `broken` it is of no more use. On SQLite
    those who write alone, outside a unit of work, do so in a group."""

    def __init__(
        self,
        dialect: Dialect,
        check_out: Callable[[], PoolProxiedConnection],
        *,
        alone: bool = True,
        writers: Writers | None = None,
        pipelines: Mapping[Along, Pipeline] = _NONE,
    ) -> None:
        self.dialect, self.broken, self._check_out = dialect, False, check_out
        driver: Any = dialect.dbapi
        self._errors, self._alone, self._writers = driver.Error, alone, writers
        self._connection: PoolProxiedConnection | None = None
        self._raw: Any = None
        self._own: Any = None
        self._along: dict[Along | None, Any] = {
            along: sender_along(each) for along, each in pipelines.items()
        }

    def rows(self, statement: Prepared, **values: Any) -> list[list[Any]]:
        """The rows of a SELECT. Raises: Unavailable, Refused."""
        compiled = statement.compiled(self.dialect)
        try:
            send = self._sender_of(statement)
            found = send(compiled.text, compiled.parameters(values)).fetchall()
        except self._errors as error:
            self._fail(error)
        return [compiled.row(each) for each in found]

    def execute(self, statement: Prepared, **values: Any) -> int:
        """Carries out what answers with no rows; how many it touched. Raises: Unavailable,
        Refused."""
        compiled = statement.compiled(self.dialect)
        try:
            send = self._sender_of(statement)
            sent = compiled.text, compiled.parameters(values)
            if self._writers is not None:
                return self._writers.carry_out(self._raw, [sent])
            return int(send(*sent).rowcount)
        except self._errors as error:
            self._fail(error)

    def execute_together(self, first: Prepared, then: Sequence[Prepared], **values: Any) -> bool:
        """Carries out statements in one transaction, all of them or, where the first touches
        nothing, none; which. For SQLite: see `together`. Raises: Unavailable, Refused."""
        compiled = [each.compiled(self.dialect) for each in (first, *then)]
        try:
            self._own_sender()
            sent = [(each.text, each.parameters(values)) for each in compiled]
            if self._writers is not None:
                return bool(self._writers.carry_out(self._raw, sent))
            return bool(in_order(self._raw, sent))
        except self._errors as error:
            self._fail(error)

    def is_there(self) -> bool:
        """Whether the store still answers through it."""
        if self._connection is None:
            return True
        try:
            self.dialect.do_ping(cast(Any, self._connection.dbapi_connection))
        except self._errors:
            self.broken = True
        return not self.broken

    def close(self) -> None:
        """Gives the connection back to where it came from."""
        if self._connection is not None:
            if self.broken:
                self._connection.invalidate()
            self._connection.close()

    def _sender_of(self, statement: Prepared) -> Any:
        return self._along.get(statement.along) or self._own_sender()

    def _own_sender(self) -> Any:
        if self._connection is None:
            self._connection = connection = self._check_out()
            self._raw = connection.driver_connection
            if self.dialect.name == "postgresql":
                self._own = (sender if self._alone else sender_within)(connection)
            else:
                self._own = self._raw.execute
        return self._own

    def _fail(self, error: Exception) -> NoReturn:
        driver: Any = self.dialect.dbapi
        if not isinstance(error, driver.OperationalError | driver.InterfaceError):
            raise Refused() from error
        self.broken = True
        raise Unavailable() from error


_here: ContextVar[Door | None] = ContextVar("direct", default=None)


class direct:  # noqa: N801  # used like a function: `with direct() as door`
    """A connection in autocommit; inside a unit of work, that unit's own. One opened inside
    another is the same.

    Raises: Unavailable when the store cannot answer.
    """

    __slots__ = ("_doors", "_mark", "_own")

    def __enter__(self) -> Door:
        self._own: Door | None = None
        outer, shared = joined(), _here.get()
        if outer is not None:
            return Door(outer.dialect, lambda: outer.connection, alone=False)
        if shared is not None:
            return shared
        self._doors = _of(db.engine)
        self._own = door = self._doors.take()
        self._mark = _here.set(door)
        return door

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            _here.reset(self._mark)
            self._doors.give_back(self._own)


class Question:
    """Whether a query has a row. It may bind `now`."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        self._first = Prepared(query.limit(1))

    def __call__(self, now: datetime) -> bool:
        """Raises: Unavailable, Refused."""
        with direct() as door:
            return bool(door.rows(self._first, now=now))


class _Doors:
    """The doors of an engine, through connections of a pool of their own. Doors are handed on as
    they are: to put a connection back into the pool and to take it out again took seven hundredths
    of a check. One that has lain idle is asked whether it is still there."""

    def __init__(self, engine: Engine) -> None:
        self._dialect, self._pool = engine.dialect, engine.pool.recreate()
        turn = turn_of(engine)
        self._writers = None if turn is None else Writers(turn)
        self._pipelines = _NONE
        if engine.dialect.name == "postgresql":
            self._pipelines = {each: Pipeline(self._checked_out) for each in Along}
        self._kept: deque[tuple[float, Door]] = deque()

    def take(self) -> Door:
        """A door for one thread. Raises: Unavailable."""
        while self._kept:
            with suppress(IndexError):  # another thread took the last one
                used_at, door = self._kept.pop()
                if time.monotonic() - used_at < IDLE_S or door.is_there():
                    return door
                door.close()
        return Door(
            self._dialect, self._checked_out, writers=self._writers, pipelines=self._pipelines
        )

    def give_back(self, door: Door) -> None:
        """For whoever comes next."""
        if door.broken:
            door.close()
        else:
            self._kept.append((time.monotonic(), door))

    def dispose(self) -> None:
        """Ends the connections that nobody uses."""
        while self._kept:
            self._kept.pop()[1].close()
        for each in self._pipelines.values():
            each.close()
        self._pool.dispose()

    def _checked_out(self) -> PoolProxiedConnection:
        driver: Any = self._dialect.dbapi
        try:
            connection = self._pool.connect()
        except (PoolTimeout, driver.OperationalError) as error:
            raise Unavailable() from error
        raw: Any = connection.driver_connection
        if self._dialect.name == "postgresql" and not raw.autocommit:
            raw.autocommit = True
        return connection


def _of(engine: Engine) -> _Doors:
    found = _doors.get(engine)
    if found is not None:
        return found
    with _one_maker:
        if engine not in _doors:
            _doors[engine] = _Doors(engine)
            event.listen(
                engine, "engine_disposed", lambda _: _doors.pop(engine).dispose(), once=True
            )
        return _doors[engine]
