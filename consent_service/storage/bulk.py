"""Many rows at once: one statement, prepared by the driver, past the bookkeeping that SQLAlchemy
does for each row (three times what the database itself needs). Every value still goes through
its column's own type, and every error comes as SQLAlchemy's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import (
    BindParameter,
    Boolean,
    Connection,
    Dialect,
    LargeBinary,
    Table,
    Uuid,
    bindparam,
)
from sqlalchemy.exc import DBAPIError

from consent_service.storage.copying import packed
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime

T = TypeVar("T")
Rule = Callable[[Iterable[Any]], Iterable[Any]]

_MOST_MARKS = 10_000  # of one statement: SQLite takes 32,766 since 3.32


def insert_rows(tx: Connection, into: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all name the same columns; every column they leave out is nullable."""
    if not rows:
        return
    names = tuple(rows[0])
    table = into.__table__
    assert isinstance(table, Table)
    rules = _rules(table, names, tx.dialect)
    columns = zip(*map(itemgetter(*names), rows), strict=True)
    ruled = [
        values if rule is None else rule(values)
        for values, rule in zip(columns, rules, strict=True)
    ]
    if tx.dialect.name == "postgresql" and len(rows) > 1:
        _copy(tx, table, names, ruled)
        return
    given = list(zip(*ruled, strict=True))
    most, at = _MOST_MARKS // len(names), 0
    while at < len(given):
        some = given[at : at + _even(min(most, len(given) - at))]
        at += len(some)
        tx.exec_driver_sql(
            _insert(table, names, len(some), tx.dialect), tuple(chain.from_iterable(some))
        )


def _even(count: int) -> int:
    """The largest power of two that is not above it. A statement for each number of rows would
    fill the driver's cache of them with 60 MB."""
    return 1 << (count.bit_length() - 1)


def _copy(
    tx: Connection, table: Table, names: tuple[str, ...], columns: Sequence[Iterable[Any]]
) -> None:
    """All rows or none. A fourth of the work of as many inserts, for the store and for the
    driver."""
    copy_into(
        tx,
        _copy_statement(table, names, tx.dialect),
        [packed((table.c[n].type, tuple(c)) for n, c in zip(names, columns, strict=True))],
    )


def copy_into(tx: Connection, statement: str, parts: Iterable[bytes]) -> None:
    """Carries out a COPY of PostgreSQL's, of rows in parts. Raises: DBAPIError."""
    raw: Any = tx.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for part in parts:
                copy.write(part)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def spelled_out(value: T) -> BindParameter[T]:
    """A value that stands in the statement, escaped, and not beside it. The planner then sees which
    partial indexes and partitions fit, how rare the value is and how much a range holds;
    of statements that are run often it would keep one plan for all values otherwise."""
    return bindparam(None, value, literal_execute=True)


def _marks(mark: str, values: Sequence[object]) -> str:
    return ", ".join([mark] * len(values))


@lru_cache(maxsize=256)
def _copy_statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    return f"COPY {quote(table.name)} ({columns}) FROM STDIN (FORMAT BINARY)"


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...], rows: int, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    row = "(" + _marks("?" if dialect.paramstyle == "qmark" else "%s", names) + ")"
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES {', '.join([row] * rows)}"  # noqa: S608  # names of our own tables


@lru_cache(maxsize=64)
def _rules(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[Rule | None, ...]:
    """Each column's rule for what the driver is given: for all values of the column."""
    return tuple(_rule(table, name, dialect) for name in names)


def _rule(table: Table, name: str, dialect: Dialect) -> Rule | None:
    kind = table.c[name].type
    if isinstance(kind, UtcDateTime):
        return _time_rule(dialect)
    if isinstance(kind, LargeBinary | SealedBytes | Boolean):
        return None  # both drivers take these as they are; SQLAlchemy would wrap or check each
    rule = kind.dialect_impl(dialect).bind_processor(dialect)
    if rule is not None and isinstance(kind, Uuid):
        return _hex
    return None if rule is None else partial(map, rule)


def _hex(values: Iterable[UUID | None]) -> list[str | None]:
    """As SQLAlchemy keeps them where the database has no type for them, in half the time."""
    return [None if value is None else f"{value.int:032x}" for value in values]


@lru_cache(maxsize=4)
def _time_rule(dialect: Dialect) -> Rule | None:
    """The rows of one batch share most of their times, and writing a time out is slow."""
    rule = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return None if rule is None else partial(map, lru_cache(maxsize=1024)(rule))
