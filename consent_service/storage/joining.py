"""Asking about more people than a statement takes: they are put beside the tables that know them,
for as long as a snapshot lasts, and joined by one statement."""

from array import array
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, Uuid, text

from consent_service.storage.copying import packed_with_positions

_BY_ID = Table("asked_ids", MetaData(), Column("at", Integer), Column("key", Uuid),
               prefixes=["TEMPORARY"])  # fmt: skip
_BY_INDEX = Table("asked_indexes", MetaData(), Column("at", Integer), Column("key", LargeBinary),
                  prefixes=["TEMPORARY"])  # fmt: skip
_WIDTHS = {_BY_ID: 16, _BY_INDEX: 32}


def ids_asked(tx: Connection, positions: "array[int]", packed: bytes) -> Table:
    """A table of UUIDs: `at` and `key`. `packed` has 16 bytes for each."""
    return _asked(tx, _BY_ID, positions, packed)


def indexes_asked(tx: Connection, positions: "array[int]", packed: bytes) -> Table:
    """A table of blind indexes: `at` and `key`. `packed` has 32 bytes for each."""
    return _asked(tx, _BY_INDEX, positions, packed)


def drop_asked(tx: Connection, table: Table) -> None:
    """Removes what the two above made."""
    table.drop(tx, checkfirst=False)


def _asked(tx: Connection, table: Table, positions: "array[int]", packed: bytes) -> Table:
    table.create(tx, checkfirst=False)
    raw: Any = tx.connection.driver_connection
    if tx.dialect.name == "postgresql":
        with raw.cursor() as cursor:
            statement = f"COPY {table.name} FROM STDIN (FORMAT BINARY)"
            with cursor.copy(statement) as copy:
                copy.write(packed_with_positions(positions, packed))
        tx.execute(text("SET LOCAL work_mem = '64MB'"))  # at 4 MB it takes half as long again
        tx.execute(text(f"ANALYZE {table.name}"))
        return table
    width = _WIDTHS[table]
    keys = (packed[at : at + width] for at in range(0, len(packed), width))
    given = (each.hex() for each in keys) if table is _BY_ID else keys
    raw.executemany(f"INSERT INTO {table.name} VALUES (?, ?)", zip(positions, given, strict=True))  # noqa: S608  # names of our own
    return table
