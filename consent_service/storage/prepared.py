"""Core statements for the third door (`direct`): compiled once for each kind of store, with every
value going through its column's type, and past what SQLAlchemy does around each execution.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from sqlalchemy import ClauseElement, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from consent_service.kernel.ids import uuid_of_hex

Rule = Callable[[Any], Any]


class Along(Enum):
    """What a statement does that may go along with those of other threads."""

    READING = "reading"
    WRITING = "writing"


class Prepared:
    """A statement whose parameters all have names, and which has no list among them. One that is
    short and waits for no lock may go `along` with those of other threads, where the store can
    be sent several at once."""

    def __init__(self, statement: ClauseElement, along: Along | None = None) -> None:
        self._statement, self.along = statement, along
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> "Compiled":
        """As a kind of store is sent it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = Compiled(self._statement, dialect)
        return found


class Compiled:
    """A statement with numbered parameters, its `text`, and the rules of its columns' types."""

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
