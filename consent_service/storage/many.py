"""Asking for many rows at once by what stands in one column, in one statement of one parameter."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    any_,
    bindparam,
    false,
    text,
)
from sqlalchemy.orm import QueryableAttribute

# SQLite knows no arrays: the values come one after another in one text or blob, and are cut out.
_CUT_OUT = """(
    WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many_count)
    SELECT substr(:many_packed, i * :many_width + 1, :many_width) FROM n
)"""
_HEX_WIDTH = 32


def among(
    tx: Connection,
    column: QueryableAttribute[Any],
    values: Sequence[UUID] | Sequence[bytes],
) -> ColumnElement[bool]:
    """Where the column's value is one of these: UUIDs, or bytes all of one length."""
    if not values:
        return false()
    if tx.dialect.name == "postgresql":
        kind = ARRAY(column.type if isinstance(values[0], UUID) else LargeBinary())
        return column == any_(bindparam("many", list(values), type_=kind))
    packed, width = _packed(values)
    parts = text(_CUT_OUT).bindparams(
        bindparam("many_packed", packed),
        bindparam("many_width", width, Integer()),
        bindparam("many_count", len(values), Integer()),
    )
    return column.op("IN", is_comparison=True)(parts)


def _packed(values: Sequence[Any]) -> tuple[str | bytes, int]:
    if isinstance(values[0], UUID):
        return "".join([f"{value.int:032x}" for value in values]), _HEX_WIDTH
    return b"".join(values), len(values[0])
