"""SQL of whole tables: out of the store and into it, a line of text for a row."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, String, Table, Uuid, inspect, text

from consent_service.operations.lines import line_of, row_of
from consent_service.operations.model import BadBackup, Kind
from consent_service.storage.db import Base
from consent_service.storage.types import UtcDateTime

_AT_ONCE = 2_000
_PACKAGE = Path(__file__).parents[1]
_VERSION_TABLE = "alembic_version"


def list_tables() -> dict[str, dict[str, Kind]]:
    """The tables of this release, of every room: columns, and how values are written."""
    for path in _PACKAGE.glob("*/tables.py"):  # a table is known once its room's are imported
        import_module(f"{_PACKAGE.name}.{path.parent.name}.tables")
    return {name: _columns(table) for name, table in sorted(Base.metadata.tables.items())}


def is_empty(tx: Connection) -> bool:
    """Whether the store has none of our tables."""
    return set(inspect(tx).get_table_names()).isdisjoint({*list_tables(), _VERSION_TABLE})


def take_time(tx: Connection) -> None:
    """What follows may last, until the transaction ends."""
    if _is_postgres(tx):
        tx.execute(text("SET LOCAL statement_timeout = 0"))


def read_lines(tx: Connection, name: str, columns: dict[str, Kind]) -> Iterator[bytes]:
    """Every row of a table."""
    wanted = f"SELECT {_names(tx, columns)} FROM {_quoted(tx, name)}"  # noqa: S608  # our own names
    if not _is_postgres(tx):
        kinds = list(columns.values())
        for rows in tx.exec_driver_sql(wanted).partitions(_AT_ONCE):
            yield b"".join(line_of(row, kinds) for row in rows)
        return
    raw: Any = tx.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY ({wanted}) TO STDOUT") as copy:
        for block in copy:
            yield bytes(block)


def write_lines(tx: Connection, name: str, columns: dict[str, Kind], lines: Iterable[bytes]) -> int:
    """Adds rows to a table; how many. Raises: BadBackup."""
    if not set(columns) <= {column["name"] for column in inspect(tx).get_columns(name)}:
        raise BadBackup("The backup has columns that its migration does not make.")
    if _is_postgres(tx):
        return _copy_in(tx, f"COPY {_quoted(tx, name)} ({_names(tx, columns)}) FROM STDIN", lines)
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {_quoted(tx, name)} ({_names(tx, columns)}) VALUES ({marks})"  # noqa: S608  # as above
    kinds, rows, added = list(columns.values()), iter(lines), 0
    while some := [row_of(line, kinds) for line in islice(rows, _AT_ONCE)]:
        tx.exec_driver_sql(statement, some)
        added += len(some)
    return added


def analyse(tx: Connection) -> None:
    """Tells the planner what the tables hold."""
    tx.execute(text("ANALYZE"))


def _copy_in(tx: Connection, statement: str, lines: Iterable[bytes]) -> int:
    raw: Any = tx.connection.driver_connection
    added = 0
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for line in lines:
            copy.write(line)
            added += 1
    return added


def _columns(table: Table) -> dict[str, Kind]:
    return {column.name: _kind(column.type) for column in table.columns}


def _kind(kind: Any) -> Kind:
    for of, found in (
        (UtcDateTime, Kind.TIME),
        (Uuid, Kind.UUID),
        (Boolean, Kind.BOOL),
        (BigInteger | Integer, Kind.INT),
        (String, Kind.TEXT),
    ):
        if isinstance(kind, of):
            return found
    return Kind.BYTES


def _is_postgres(tx: Connection) -> bool:
    return tx.dialect.name == "postgresql"


def _quoted(tx: Connection, name: str) -> str:
    return tx.dialect.identifier_preparer.quote(name)


def _names(tx: Connection, columns: Iterable[str]) -> str:
    return ", ".join(_quoted(tx, name) for name in columns)
