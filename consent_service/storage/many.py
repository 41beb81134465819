"""Asking for many rows at once by what stands in one column, in one statement of one parameter."""

import json
from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from struct import Struct
from typing import Any
from uuid import UUID

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Select,
    bindparam,
    false,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.types import TypeEngine, UserDefinedType

from consent_service.storage.direct import Door
from consent_service.storage.prepared import Prepared

_HEAD, _INTEGER = Struct(">5i").pack, Struct(">2i").pack

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
    dialect = tx.dialect.name
    bound = {name: {"value": value} for name, value in _parameters(dialect, given).items()}
    return _is_one(dialect, column, bound, of_uuids=isinstance(given[0], UUID))


def among_pairs(
    tx: Connection,
    columns: tuple[QueryableAttribute[Any], QueryableAttribute[Any]],
    pairs: Collection[tuple[UUID, int]],
) -> ColumnElement[bool]:
    """Where two columns have the values of one of these pairs."""
    ids, numbers = [each for each, _ in pairs], [number for _, number in pairs]
    if tx.dialect.name == "postgresql":
        arrays = [
            bindparam(None, _array(ids), type_=_Array("UUID[]")),
            bindparam(None, _array(numbers), type_=_Array("INTEGER[]")),
        ]
        given = func.unnest(*arrays).table_valued("first", "second").render_derived()
        return tuple_(*columns).in_(select(given.c.first, given.c.second))
    written = json.dumps([[each.hex, number] for each, number in pairs])
    one = func.json_each(bindparam(None, written)).table_valued("value").c.value
    parts = (func.json_extract(one, "$[0]"), func.json_extract(one, "$[1]"))
    return tuple_(*columns).in_(select(*parts))


class RowsAmong:
    """A query of the rows where a column's value is one of many UUIDs, made once: to make a small
    one, and the key by which SQLAlchemy knows it again, takes half of its time. `make` is given
    the condition, and puts it where it belongs."""

    def __init__(
        self,
        column: QueryableAttribute[Any],
        make: Callable[[ColumnElement[bool]], Select[*tuple[Any, ...]]],
    ) -> None:
        self._column, self._make = column, make
        self._made: dict[str, Select[*tuple[Any, ...]]] = {}

    def __call__(
        self, tx: Connection, values: Collection[UUID], **more: Any
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """The rows, none without any values; `more` are the query's own parameters."""
        if not values:
            return ()
        dialect = tx.dialect.name
        query = self._made.get(dialect)
        if query is None:
            condition = _is_one(dialect, self._column, {}, of_uuids=True)
            query = self._made[dialect] = self._make(condition)
        return tx.execute(query, _parameters(dialect, list(values)) | more).fetchall()


OneOf = Callable[[QueryableAttribute[Any]], ColumnElement[bool]]


class QuickRowsAmong:
    """As `RowsAmong`, through the third door: a row costs a fifth. Of a further column the values
    that count may be given as `texts`: `make` is given what says that it has one of them."""

    def __init__(
        self,
        column: QueryableAttribute[Any],
        make: Callable[[ColumnElement[bool], OneOf], Select[*tuple[Any, ...]]],
    ) -> None:
        self._column, self._make = column, make
        self._made: dict[str, tuple[Prepared, Any]] = {}

    def __call__(
        self, tx: Connection, values: Collection[UUID], texts: Collection[str] = ()
    ) -> list[Any]:
        """The rows, as named tuples; none without any values. Raises: Unavailable, Refused."""
        found = self.as_lists(tx, values, texts)
        return list(map(self._made[tx.dialect.name][1], found))

    def as_lists(
        self, tx: Connection, values: Collection[UUID], texts: Collection[str] = ()
    ) -> list[list[Any]]:
        """The rows, for whoever knows columns by where they stand. Raises: as above."""
        dialect = tx.dialect.name
        query, _ = self._made.get(dialect) or self._prepared(dialect)
        if not values:
            return []
        given = _parameters(dialect, list(values))
        if texts:
            given["texts"] = list(texts) if dialect == "postgresql" else json.dumps(list(texts))
        return Door(tx.dialect, lambda: tx.connection, alone=False).rows(query, **given)

    def _prepared(self, dialect: str) -> tuple[Prepared, Any]:
        condition = _is_one(dialect, self._column, {}, of_uuids=True)
        query = self._make(condition, _one_of_texts(dialect))
        row: Any = namedtuple("_Row", [c.key for c in query.selected_columns], rename=True)  # type: ignore[misc]  # known when it runs
        made = self._made[dialect] = (Prepared(query), row._make)
        return made


def _one_of_texts(dialect: str) -> OneOf:
    def one_of(column: QueryableAttribute[Any]) -> ColumnElement[bool]:
        if dialect == "postgresql":
            array = bindparam("texts", type_=_Array("TEXT[]"))
            return column.op("=", is_comparison=True)(func.any(array))
        return column.in_(select(func.json_each(bindparam("texts")).table_valued("value").c.value))

    return one_of


def _parameters(dialect: str, given: list[Any]) -> dict[str, Any]:
    if dialect == "postgresql":
        return {"many": _array(given)}
    of_uuids = isinstance(given[0], UUID)
    packed = b"".join([each.int.to_bytes(16) for each in given] if of_uuids else given)
    return {
        "many_packed": packed,
        "many_width": len(packed) // len(given),
        "many_count": len(given),
    }


def _is_one(
    dialect: str,
    column: QueryableAttribute[Any] | Column[Any],
    bound: Mapping[str, dict[str, Any]],
    *,
    of_uuids: bool,
) -> ColumnElement[bool]:
    """The condition, with those of its parameters bound that have a value already."""

    def parameter(name: str, kind: TypeEngine[Any]) -> BindParameter[Any]:
        return bindparam(name, type_=kind, **bound.get(name, {}))

    if dialect == "postgresql":
        made = parameter("many", _Array("UUID[]" if of_uuids else "BYTEA[]"))
        return column.op("=", is_comparison=True)(func.any(made))
    parts = text(_UUIDS if of_uuids else _BYTES).bindparams(
        parameter("many_packed", LargeBinary()),
        parameter("many_width", Integer()),
        parameter("many_count", Integer()),
    )
    return column.op("IN", is_comparison=True)(parts)


class _Array(UserDefinedType[bytes]):
    """An array that is packed already: the driver would ask of each value what it is."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """As PostgreSQL calls it."""
        return self.kind


class _Uuids(bytes):
    """A `uuid[]` as PostgreSQL takes it in binary."""


class _Blobs(bytes):
    """A `bytea[]`, likewise."""


class _Integers(bytes):
    """An `integer[]`, likewise."""


class _UuidsDumper(Dumper):
    format, oid = Format.BINARY, 2951

    def dump(self, obj: Any) -> Any:
        """As it is."""
        return obj


class _BlobsDumper(_UuidsDumper):
    oid = 1001


class _IntegersDumper(_UuidsDumper):
    oid = 1007


adapters.register_dumper(_Uuids, _UuidsDumper)
adapters.register_dumper(_Blobs, _BlobsDumper)
adapters.register_dumper(_Integers, _IntegersDumper)


def _array(given: list[Any]) -> bytes:
    """Source: PostgreSQL's `array_recv`: one dimension, no nulls, the kind, how many, from 1 on."""
    if isinstance(given[0], UUID):
        head = _HEAD(1, 0, 2950, len(given), 1)
        return _Uuids(head + b"".join([b"\0\0\0\x10" + v.int.to_bytes(16) for v in given]))
    if isinstance(given[0], int):
        return _Integers(_HEAD(1, 0, 23, len(given), 1) + b"".join([_INTEGER(4, v) for v in given]))
    head = _HEAD(1, 0, 17, len(given), 1)
    return _Blobs(head + b"".join([len(v).to_bytes(4) + v for v in given]))


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
