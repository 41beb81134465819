"""Entries as files, portion by portion: NDJSON, CSV, Parquet.

A whole NDJSON or CSV ends with a line feed, and one that broke off does not: the end of a
portion is written with what follows it. A whole Parquet file ends with its footer.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from types import ModuleType
from typing import Any

import msgspec

from consent_service.disclosures.model import Item

Portions = Iterable[list[Item]]

_COLUMNS = Item.__struct_fields__
_REPEATED = list(_COLUMNS[1:12])  # what is worth a dictionary: not the id, times and leaf
_FORMULA = tuple("=+-@\t\r")
_GROUP = 4  # portions: a row group of 4,000 entries packs nearly as well as a larger one
_encode_lines = msgspec.json.Encoder().encode_lines


def ndjson(portions: Portions) -> Iterator[bytes]:
    """One JSON object a line."""
    return _end_late(_encode_lines(items) for items in portions)


def csv_text(portions: Portions) -> Iterator[bytes]:
    """A header and a line each (RFC 4180). No value is a formula to a spreadsheet."""
    return _end_late(_csv_lines(portions))


def parquet(portions: Portions) -> Iterator[bytes]:
    """A row group for some portions, which wait for it in Arrow's memory: a fifth of Python's."""
    import pyarrow  # noqa: PLC0415  # 0.1 s and 50 MB, which few processes ever need
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415  # the same

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # which keeps 20 MB less than its own
    read, written = _schemas(pyarrow)
    sink = _Sink()
    with ParquetWriter(sink, written, compression="zstd", use_dictionary=_REPEATED) as writer:
        tables = (_table(pyarrow, items, read).cast(written) for items in portions if items)
        while group := list(islice(tables, _GROUP)):
            writer.write_table(pyarrow.concat_tables(group))
            yield sink.take()
    yield sink.take()


def _table(pyarrow: ModuleType, items: list[Item], schema: Any) -> Any:
    columns = zip(*map(msgspec.structs.astuple, items), strict=True)
    return pyarrow.table([*map(list, columns)], schema=schema)


def _end_late(chunks: Iterable[bytes]) -> Iterator[bytes]:
    end = b""
    for chunk in chunks:
        if chunk:
            yield end + chunk[:-1]
            end = chunk[-1:]
    yield end


def _csv_lines(portions: Portions) -> Iterator[bytes]:
    yield f"{','.join(_COLUMNS)}\r\n".encode()
    for items in portions:
        yield "".join(map(_csv_line, items)).encode()


def _csv_line(item: Item) -> str:
    """Ids and times are ours and need no quotes; what is between is one of few combinations."""
    between = _quoted(msgspec.structs.astuple(item)[3:12])
    leaf = "" if item.leaf_index is None else item.leaf_index
    head = f"{item.id},{item.kind},{item.customer_id or ''}"
    return f"{head},{between},{item.occurred_at},{item.recorded_at},{leaf}\r\n"


@lru_cache(maxsize=4096)
def _quoted(cells: tuple[Any, ...]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(map(harmless, cells))
    return text.getvalue().removesuffix("\r\n")


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; a tuple as words."""
    if isinstance(cell, tuple):
        cell = " ".join(cell)
    return "'" + cell if isinstance(cell, str) and cell[:1] in _FORMULA else cell


def _schemas(pyarrow: ModuleType) -> tuple[Any, Any]:
    """The columns as `Item` has them, and as they are written, times as times."""
    moment = pyarrow.timestamp("us", tz="UTC")
    read = dict.fromkeys(_COLUMNS, pyarrow.string()) | {
        "data_categories": pyarrow.list_(pyarrow.string()),
        "catalogue_version": pyarrow.int32(),
        "leaf_index": pyarrow.int64(),
    }
    return pyarrow.schema(read), pyarrow.schema(
        read | {"occurred_at": moment, "recorded_at": moment}
    )


class _Sink(io.RawIOBase):
    """A file that forgets what was taken of it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, part: Any) -> int:
        """Keeps a part."""
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
