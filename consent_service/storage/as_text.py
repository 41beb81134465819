"""For reading many: columns that come from the store as text, past the making of Python values,
which takes several times what writing them out in the database does."""

from typing import Any

from sqlalchemy import ColumnElement, String, cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def uuid_text(column: QueryableAttribute[Any]) -> ColumnElement[str]:
    """A UUID in hex; with hyphens where the database has the type, as `kernel.ids.base32_all`
    takes it."""
    return cast(column, String)


class instant_text(FunctionElement[str]):  # noqa: N801  # used like a function
    """A `UtcDateTime` column as `kernel.clock.rfc3339` has it."""

    inherit_cache = True
    type = String()


@compiles(instant_text, "postgresql")
def _on_postgresql(element: instant_text, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@compiles(instant_text, "sqlite")
def _on_sqlite(element: instant_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace({compiler.process(element.clauses, **options)}, ' ', 'T') || 'Z'"


class month_of(FunctionElement[Any]):  # noqa: N801  # used like a function
    """The month, by UTC, of a `UtcDateTime` column: what begins with `2026-01` as text."""

    inherit_cache = True


@compiles(month_of, "postgresql")
def _month_on_postgresql(element: month_of, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"date_trunc('month', {column} AT TIME ZONE 'UTC')"


@compiles(month_of, "sqlite")
def _month_on_sqlite(element: month_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"
