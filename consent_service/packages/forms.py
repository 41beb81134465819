"""A package's tables as JSON and CSV, portion by portion."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from consent_service.disclosures.formats import harmless
from consent_service.packages.gathered import Gathered
from consent_service.packages.shape import CellKind, Table, tables

_encode = msgspec.json.encode
_BYTE_ORDER_MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for something else


def json_text(head: Mapping[str, Any], gathered: Gathered) -> Iterator[bytes]:
    """One object: `head`, then each table as a list. docs/package.schema.json is its shape."""
    yield _encode(head)[:-1]
    for table in tables(portable=gathered.portable):
        yield b",\n" + _encode(table.name) + b":["
        first = True
        for line in gathered.lines(table.name):
            yield b"\n" + line if first else b",\n" + line
            first = False
        yield b"]"
    yield b"}\n"


def csv_text(table: Table, gathered: Gathered) -> Iterator[bytes]:
    """A header and a line each (RFC 4180). No value is a formula to a spreadsheet."""
    columns = table.of(portable=gathered.portable)
    nested = {column.name for column in columns if column.kind is CellKind.OBJECT}
    yield _line([column.name for column in columns], _BYTE_ORDER_MARK)
    for row in gathered.rows(table.name):
        yield _line([_cell(value, name in nested) for name, value in row.items()])


def joined(portions: Iterable[bytes], at_least: int = 1 << 16) -> Iterator[bytes]:
    """The same bytes in fewer portions."""
    held = bytearray()
    for portion in portions:
        held += portion
        if len(held) >= at_least:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _cell(value: Any, nested: bool) -> Any:
    if nested and value is not None:
        return _encode(value).decode()
    return harmless(tuple(value) if isinstance(value, list) else value)


def _line(cells: list[Any], before: str = "") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return (before + text.getvalue()).encode()
