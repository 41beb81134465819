"""Asking about more people than a statement takes: they are put beside the tables that know them,
for as long as a snapshot lasts, and joined by one statement."""

from array import array

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, Uuid, text

from consent_service.storage.bulk import copy_into
from consent_service.storage.copying import packed_with_positions

_BY_ID = Table("asked_ids", MetaData(), Column("at", Integer), Column("key", Uuid),
               prefixes=["TEMPORARY"])  # fmt: skip
_BY_INDEX = Table("asked_indexes", MetaData(), Column("at", Integer), Column("key", LargeBinary),
                  prefixes=["TEMPORARY"])  # fmt: skip
_AT_ONCE = 10_000
_WIDTHS = {_BY_ID: 16, _BY_INDEX: 32}


def ids_asked(tx: Connection, positions: "array[int]", packed: bytes | bytearray) -> Table:
    """A table of UUIDs: `at` and `key`. `packed` has 16 bytes for each."""
    return _asked(tx, _BY_ID, positions, packed)


def indexes_asked(tx: Connection, positions: "array[int]", packed: bytes | bytearray) -> Table:
    """A table of blind indexes: `at` and `key`. `packed` has 32 bytes for each."""
    return _asked(tx, _BY_INDEX, positions, packed)


def drop_asked(tx: Connection, table: Table) -> None:
    """Removes what the two above made."""
    table.drop(tx, checkfirst=False)


def _asked(
    tx: Connection, table: Table, positions: "array[int]", packed: bytes | bytearray
) -> Table:
    table.create(tx, checkfirst=False)
    width = _WIDTHS[table]
    if tx.dialect.name == "postgresql":
        statement = f"COPY {table.name} FROM STDIN (FORMAT BINARY)"
        copy_into(tx, statement, packed_with_positions(positions, packed, width))
        tx.execute(text("SET LOCAL work_mem = '64MB'"))  # at 4 MB it takes half as long again
        tx.execute(text(f"ANALYZE {table.name}"))
        return table
    # In order of the key, in which the store has its rows: each page is read once.
    order = sorted(
        range(len(positions)), key=lambda at: bytes(packed[at * width : (at + 1) * width])
    )
    insert = f"INSERT INTO {table.name} VALUES (?, ?)"  # noqa: S608  # names of our own
    for first in range(0, len(positions), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        keys = [bytes(packed[at * width : (at + 1) * width]) for at in some]
        given = [key.hex() for key in keys] if table is _BY_ID else keys
        tx.exec_driver_sql(
            insert, [(positions[at], key) for at, key in zip(some, given, strict=True)]
        )
    return table
