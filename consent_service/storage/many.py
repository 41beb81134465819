"""Asking for many rows at once by what stands in one column, in one statement of one parameter."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    false,
    func,
    text,
)
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.types import UserDefinedType

# SQLite knows no arrays: the values come one after another in one blob, and are cut out. (Out of a
# text, each would be looked for from its beginning.)
_CUT_OUT = """(
    WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many_count)
    SELECT %s FROM n
)"""
_PART = "substr(:many_packed, i * :many_width + 1, :many_width)"
_BYTES, _UUIDS = _CUT_OUT % _PART, _CUT_OUT % f"lower(hex({_PART}))"


def among(
    tx: Connection,
    column: QueryableAttribute[Any] | Column[Any],
    values: Collection[UUID] | Collection[bytes],
) -> ColumnElement[bool]:
    """Where the column's value is one of these: UUIDs, or bytes all of one length."""
    given: list[Any] = list(values)
    if not given:
        return false()
    of_uuids = isinstance(given[0], UUID)
    if tx.dialect.name == "postgresql":
        made = bindparam("many", _array(given), _Array("UUID[]" if of_uuids else "BYTEA[]"))
        return column.op("=", is_comparison=True)(func.any(made))
    packed = b"".join([value.bytes for value in given] if of_uuids else given)
    parts = text(_UUIDS if of_uuids else _BYTES).bindparams(
        bindparam("many_packed", packed),
        bindparam("many_width", len(packed) // len(given), Integer()),
        bindparam("many_count", len(given), Integer()),
    )
    return column.op("IN", is_comparison=True)(parts)


class _Array(UserDefinedType[str]):
    """An array that is written out already: the driver would ask of each value what it is."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """As PostgreSQL calls it."""
        return self.kind


def _array(given: list[Any]) -> str:
    if isinstance(given[0], UUID):
        return "{" + ",".join([f"{value.int:032x}" for value in given]) + "}"
    return '{"' + '","'.join(["\\\\x" + value.hex() for value in given]) + '"}'


def rows_among(
    tx: Connection,
    query: Select[*tuple[Any, ...]],
    column: QueryableAttribute[Any],
    values: Collection[UUID] | Collection[bytes],
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a query where a column's value is one of these: none without any."""
    if not values:
        return ()
    return tx.execute(query.where(among(tx, column, values))).fetchall()
