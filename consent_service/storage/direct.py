"""A third door, for the few statements that every check sends: compiled once, and past what
SQLAlchemy does around each execution, which takes several times what the driver does.

The statements are Core's own, and every value goes through its column's type. Connections are in
autocommit: each statement stands alone, sees what is committed, and is durable when it returns.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler

from consent_service.kernel.errors import Unavailable
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import joined

Rule = Callable[[Any], Any]

_pools: WeakKeyDictionary[Engine, Pool] = WeakKeyDictionary()


class Refused(Exception):
    """The store would not carry out a statement, for a reason of the statement's."""


class Prepared:
    """A statement whose parameters all have names, and which has no list among them."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def compiled(self, dialect: Dialect) -> "_Compiled":
        """As a kind of store is sent it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return found


class _Compiled:
    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        made = statement.compile(dialect=dialect)
        assert isinstance(made, SQLCompiler)
        self.text = made.string
        self._order = made.positiontup
        self._fixed = {n: _given(v) for n, v in made.params.items() if v is not None}
        self._rules: dict[str, Any] = {**made._bind_processors}
        self._fixed = {n: self._rules.get(n, _given)(v) for n, v in self._fixed.items()}
        self._columns: list[Rule | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statement, "selected_columns", ())
        ]

    def parameters(self, values: dict[str, Any]) -> Any:
        """The values as the driver takes them."""
        rules = self._rules
        given = {**self._fixed}
        for name, value in values.items():
            rule = rules.get(name)
            given[name] = value if rule is None else rule(value)
        return given if self._order is None else [given[name] for name in self._order]

    def row(self, found: Any) -> tuple[Any, ...]:
        """A row of the driver's as Python values."""
        return tuple(
            [
                value if rule is None else rule(value)
                for rule, value in zip(self._columns, found, strict=True)
            ]
        )


def _given(value: Any) -> Any:
    return value


class Door:
    """A connection of the driver's."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection, self.dialect = connection, dialect

    def rows(self, statement: Prepared, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        compiled = statement.compiled(self.dialect)
        found = self._connection.execute(compiled.text, compiled.parameters(values)).fetchall()
        return [compiled.row(each) for each in found]

    def execute(self, statement: Prepared, **values: Any) -> None:
        """Carries out what answers with no rows."""
        compiled = statement.compiled(self.dialect)
        self._connection.execute(compiled.text, compiled.parameters(values))


@contextmanager
def direct() -> Iterator[Door]:
    """A connection in autocommit; inside a unit of work, that unit's own.

    Raises: Unavailable when the store cannot answer, Refused.
    """
    engine = db.engine
    driver: Any = engine.dialect.dbapi
    outer = joined()
    connection = _checked_out(engine) if outer is None else outer.connection
    try:
        yield Door(connection.driver_connection, engine.dialect)
    except driver.Error as error:
        if not isinstance(error, driver.OperationalError | driver.InterfaceError):
            raise Refused() from error
        if outer is None:
            connection.invalidate()
        raise Unavailable() from error
    finally:
        if outer is None:
            connection.close()


def _checked_out(engine: Engine) -> PoolProxiedConnection:
    pool = _pools.get(engine)
    if pool is None:
        pool = _pools[engine] = engine.pool.recreate()
        event.listen(engine, "engine_disposed", lambda _: _pools.pop(engine).dispose(), once=True)
    driver: Any = engine.dialect.dbapi
    try:
        connection = pool.connect()
    except (PoolTimeout, driver.OperationalError) as error:
        raise Unavailable() from error
    raw: Any = connection.driver_connection
    if engine.dialect.name == "postgresql" and not raw.autocommit:
        raw.autocommit = True
    return connection
