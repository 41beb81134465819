"""A third door, for the few statements that every check sends: compiled once, prepared once for
each connection, and past what SQLAlchemy and psycopg do around each execution, which takes
several times what the store does (ADR 19 has the figures).

The statements are Core's own, and every value goes through its column's type. Connections are in
autocommit: each statement stands alone, sees what is committed, and is durable when it returns.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from threading import Lock
from typing import Any, NoReturn, cast
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, Engine, Select, Uuid, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from consent_service.kernel.errors import Unavailable
from consent_service.kernel.ids import uuid_of_hex
from consent_service.storage.db import IDLE_S, db
from consent_service.storage.libpq import sender, sender_along, sender_within
from consent_service.storage.pipeline import Along, Pipeline
from consent_service.storage.turns import turn_of
from consent_service.storage.unit_of_work import joined
from consent_service.storage.writers import Writers, in_order

Rule = Callable[[Any], Any]

_one_maker = Lock()
_doors: WeakKeyDictionary[Engine, "_Doors"] = WeakKeyDictionary()


class Refused(Exception):
    """The store would not carry out a statement, for a reason of the statement's."""


class Prepared:
    """A statement whose parameters all have names, and which has no list among them. One that is
    short and waits for no lock may go `along` with those of other threads, where the store can
    be sent several at once."""

    def __init__(self, statement: ClauseElement, along: Along | None = None) -> None:
        self._statement, self.along = statement, along
        self._compiled: dict[str, _Compiled] = {}

    def compiled(self, dialect: Dialect) -> "_Compiled":
        """As a kind of store is sent it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return found


class _Compiled:
    """A statement with numbered parameters, and the rules of its columns' types."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        if dialect.name == "postgresql":
            dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # as every dialect takes it
        made = statement.compile(dialect=dialect)
        assert isinstance(made, SQLCompiler)
        assert made.positiontup is not None
        self.text = made.string
        rules: dict[str, Any] = {**made._bind_processors}
        fixed = {name: value for name, value in made.params.items() if value is not None}
        self._parameters = [(name, fixed.get(name)) for name in made.positiontup]
        self._for_driver = _ruled(rules.get(name) for name in made.positiontup)
        self._for_us = _ruled(
            _rule_of(column.type, dialect) for column in getattr(statement, "selected_columns", ())
        )

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        """The values as the driver takes them, in their order."""
        given = values.get
        return _as_ruled([given(name, fixed) for name, fixed in self._parameters], self._for_driver)

    def row(self, found: Any) -> list[Any]:
        """A row of the driver's as Python values."""
        return _as_ruled(list(found), self._for_us)


def _rule_of(kind: TypeEngine[Any], dialect: Dialect) -> Rule | None:
    """What makes Python values of a column's, if they are none."""
    rule = kind.dialect_impl(dialect).result_processor(dialect, None)
    if rule is not None and isinstance(kind, Uuid):
        return uuid_of_hex
    return rule


def _ruled(rules: Iterable[Rule | None]) -> list[tuple[int, Rule]]:
    return [(at, rule) for at, rule in enumerate(rules) if rule is not None]


def _as_ruled(values: list[Any], rules: list[tuple[int, Rule]]) -> list[Any]:
    """Values by the rules of those few that have any; none has one for nothing."""
    for at, rule in rules:
        value = values[at]
        if value is not None:
            values[at] = rule(value)
    return values


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
        pipeline: Pipeline | None = None,
    ) -> None:
        self.dialect, self.broken, self._check_out = dialect, False, check_out
        driver: Any = dialect.dbapi
        self._errors, self._alone, self._writers = driver.Error, alone, writers
        self._connection: PoolProxiedConnection | None = None
        self._raw: Any = None
        self._own: Any = None
        self._along: dict[Along | None, Any] = {}
        if pipeline is not None:
            self._along = {each: sender_along(pipeline, each) for each in Along}

    def rows(self, statement: Prepared, **values: Any) -> list[list[Any]]:
        """The rows of a SELECT. Raises: Unavailable, Refused."""
        compiled = statement.compiled(self.dialect)
        try:
            send = self._along.get(statement.along) or self._sender()
            found = send(compiled.text, compiled.parameters(values)).fetchall()
        except self._errors as error:
            self._fail(error)
        return [compiled.row(each) for each in found]

    def execute(self, statement: Prepared, **values: Any) -> int:
        """Carries out what answers with no rows; how many it touched. Raises: Unavailable,
        Refused."""
        compiled = statement.compiled(self.dialect)
        try:
            send = self._along.get(statement.along) or self._sender()
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
            self._sender()
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

    def _sender(self) -> Any:
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
        along = engine.dialect.name == "postgresql"
        self._pipeline = Pipeline(self._checked_out) if along else None
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
            self._dialect, self._checked_out, writers=self._writers, pipeline=self._pipeline
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
        if self._pipeline is not None:
            self._pipeline.close()
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
