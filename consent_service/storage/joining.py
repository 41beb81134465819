"""Asking about more people than a statement takes: they are put beside the tables that know them,
for as long as a snapshot lasts, and joined by one statement."""

from array import array
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.types import TypeEngine, UserDefinedType

from consent_service.storage.bulk import copy_into
from consent_service.storage.copying import packed_with_positions


class _Unsorted(UserDefinedType[str]):
    """Numbers that PostgreSQL can only hash. Rows are grouped by them: it would sort them all, for
    twice the time, since it takes each for a group of its own."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """As PostgreSQL calls it."""
        return "XID"


def _table(name: str, key: TypeEngine[Any]) -> Table:
    """A position is two numbers of 16 bits. `at` has no sign, whatever the store makes of it."""
    part = Integer().with_variant(_Unsorted(), "postgresql")
    columns = Column("part", part), Column("at", SmallInteger), Column("key", key)
    temporary = ["TEMPORARY"]
    return Table(name, MetaData(), *columns, prefixes=temporary, postgresql_on_commit="DROP")


IDS, INDEXES = _table("asked_ids", Uuid()), _table("asked_indexes", LargeBinary())
AT_BITS = 16
_LOWER = (1 << AT_BITS) - 1
_AT_ONCE = 10_000
_WIDTHS = {IDS: 16, INDEXES: 32}
# The planner's other memory is too small for this; it takes its own time for none, a tenth of a
# statement's rows to be what is wanted, and looking each up in hash tables of 100 MB for cheaper
# than reading all in the order of their keys, in which they lie in the indexes.
_SETTINGS = {
    "work_mem": "'64MB'",
    "jit": "off",
    "cursor_tuple_fraction": "1",
    "enable_hashjoin": "off",
}


def make_asked(tx: Connection) -> None:
    """Makes the tables: `part`, `at` and `key`, UUIDs in one and blind indexes in the other."""
    for table in _WIDTHS:
        table.create(tx, checkfirst=False)
    if tx.dialect.name == "postgresql":
        for name, value in _SETTINGS.items():
            tx.execute(text(f"SET LOCAL {name} = {value}"))


def name_moment(tx: Connection) -> str | None:
    """What has another snapshot be of the same moment, while this one lasts; None where the store
    has only one."""
    if tx.dialect.name != "postgresql":
        return None
    return str(tx.scalar(select(func.pg_export_snapshot())))


def drop_asked(tx: Connection) -> None:
    """Removes them, where the end of the snapshot does not."""
    if tx.dialect.name != "postgresql":
        for table in _WIDTHS:
            table.drop(tx, checkfirst=False)


def add_asked(
    tx: Connection, table: Table, positions: "array[int]", packed: bytes | bytearray
) -> None:
    """Adds some; `packed` has 16 bytes for each id, 32 for each index."""
    if tx.dialect.name == "postgresql":
        statement = f"COPY {table.name} FROM STDIN (FORMAT BINARY)"
        copy_into(tx, statement, packed_with_positions(positions, packed, _WIDTHS[table]))
        return
    keys = _keys(table, packed)
    # In order of the key, in which the store has its rows: each page is read once.
    order = sorted(range(len(keys)), key=keys.__getitem__)
    insert = f"INSERT INTO {table.name} VALUES (?, ?, ?)"  # noqa: S608  # names of our own
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        rows = [(positions[at] >> AT_BITS, positions[at] & _LOWER, keys[at]) for at in some]
        tx.exec_driver_sql(insert, rows)


def _keys(table: Table, packed: bytes | bytearray) -> Sequence[str | bytes]:
    """Each as SQLite has it: an id as text."""
    if table is IDS:
        said = packed.hex()
        return [said[at : at + 32] for at in range(0, len(said), 32)]
    width = _WIDTHS[table]
    return [bytes(packed[at : at + width]) for at in range(0, len(packed), width)]


def clear_asked(tx: Connection) -> None:
    """Forgets those who were asked about, for others."""
    for table in _WIDTHS:
        on_postgres = tx.dialect.name == "postgresql"
        tx.execute(text(f"TRUNCATE {table.name}") if on_postgres else table.delete())
