"""Many rows at once: one statement, prepared by the driver, past the bookkeeping that SQLAlchemy
does for each row (three times what the database itself needs). Every value still goes through
its column's own type, and every error comes as SQLAlchemy's."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, Table

from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime

Rule = Callable[[Any], Any]


def insert_rows(tx: Connection, into: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all name the same columns; every column they leave out is nullable."""
    if not rows:
        return
    names = tuple(rows[0])
    table = into.__table__
    assert isinstance(table, Table)
    statement, rules = _prepare(table, names, tx.dialect)
    columns = [
        [row[name] for row in rows] if rule is None else _by(rule, [row[name] for row in rows])
        for name, rule in zip(names, rules, strict=True)
    ]
    given = list(zip(*columns, strict=True))
    tx.exec_driver_sql(statement, given if len(given) > 1 else given[0])


def _by(rule: Rule, values: list[Any]) -> list[Any]:
    return [rule(value) for value in values]


@lru_cache(maxsize=64)
def _prepare(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[Rule | None, ...]]:
    """The statement, and each column's rule for what the driver is given."""
    quote = dialect.identifier_preparer.quote
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    columns = ", ".join(quote(name) for name in names)
    marks = ", ".join([mark] * len(names))
    statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608  # names of our own tables
    return statement, tuple(_rule(table, name, dialect) for name in names)


def _rule(table: Table, name: str, dialect: Dialect) -> Rule | None:
    kind = table.c[name].type
    if isinstance(kind, UtcDateTime):
        return _time_rule(dialect)
    if isinstance(kind, LargeBinary | SealedBytes):
        return None  # both drivers take bytes; SQLAlchemy would wrap each first
    return kind.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=4)
def _time_rule(dialect: Dialect) -> Rule | None:
    """The rows of one batch share most of their times, and writing a time out is slow."""
    rule = UtcDateTime().bind_processor(dialect)
    return None if rule is None else lru_cache(maxsize=1024)(rule)
