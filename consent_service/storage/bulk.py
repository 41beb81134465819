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

from consent_service.storage.copying import Column, packed, packed_alike
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime

T = TypeVar("T")
Rule = Callable[[Iterable[Any]], Iterable[Any]]

_MOST_MARKS = 10_000  # of one statement: SQLite takes 32,766 since 3.32


def insert_rows(tx: Connection, into: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all name the same columns; every column they leave out is nullable."""
    if rows:
        names = tuple(rows[0])
        columns = zip(*map(itemgetter(*names), rows), strict=True)
        insert_columns(tx, into, dict(zip(names, columns, strict=True)))


def insert_columns(tx: Connection, into: type[Base], columns: Mapping[str, Sequence[Any]]) -> None:
    """As `insert_rows`, at least one row, of the values of each column."""
    names = tuple(columns)
    table = into.__table__
    assert isinstance(table, Table)
    ruled = _ruled(tx, table, names, columns.values())
    if tx.dialect.name == "postgresql" and len(ruled[0][1]) > 1:
        copy_into(tx, _copy_statement(table, names, tx.dialect), [packed(ruled)])
        return
    _insert_all(tx, table, names, list(zip(*(values for _, values in ruled), strict=True)))


def insert_alike(
    tx: Connection,
    into: type[Base],
    shared: Sequence[Mapping[str, Any]],
    which: Sequence[int],
    own: Mapping[str, Sequence[Any]],
) -> None:
    """As `insert_rows`, of rows of which many are alike but for a few columns: each has what stands
    in `own` at its place, and all else from the one of `shared` that `which` says."""
    table = into.__table__
    assert isinstance(table, Table)
    alike, names = tuple(name for name in shared[0] if name not in own), tuple(own)
    of_many = _ruled(tx, table, alike, zip(*map(itemgetter(*alike), shared), strict=True))
    of_one = _ruled(tx, table, names, own.values())
    if tx.dialect.name == "postgresql":
        statement = _copy_statement(table, alike + names, tx.dialect)
        copy_into(tx, statement, [packed_alike(of_many, which, of_one)])
        return
    kinds = list(zip(*(values for _, values in of_many), strict=True))
    rows = zip(which, zip(*(values for _, values in of_one), strict=True), strict=True)
    _insert_all(tx, table, alike + names, [kinds[at] + row for at, row in rows])


def _ruled(
    tx: Connection, table: Table, names: tuple[str, ...], columns: Iterable[Sequence[Any]]
) -> list[Column]:
    """The types of columns, and their values as the driver takes them."""
    return [
        (table.c[name].type, values if rule is None else tuple(rule(values)))
        for name, rule, values in zip(names, _rules(table, names, tx.dialect), columns, strict=True)
    ]


def _insert_all(
    tx: Connection, table: Table, names: tuple[str, ...], given: Sequence[tuple[Any, ...]]
) -> None:
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


def copy_into(tx: Connection, statement: str, parts: Iterable[bytes]) -> None:
    """Carries out a COPY of PostgreSQL's, of rows in parts: all of them or none, for a fourth of
    the work of as many inserts. Raises: DBAPIError."""
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
