r"""Rows as lines of text, as COPY of PostgreSQL writes and takes them: values apart by tabs, `\N`
for none, bytes as `\\x` and hex. So a store of either kind takes what the other wrote. No I/O."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent_service.operations.model import BadBackup, Kind

NONE = b"\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                          "\b": "\\b", "\f": "\\f", "\v": "\\v"})  # fmt: skip
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


def line_of(row: Sequence[Any], kinds: Sequence[Kind]) -> bytes:
    """The line of a row as SQLite has its values."""
    values = (NONE if v is None else _WRITE[kind](v) for v, kind in zip(row, kinds, strict=True))
    return b"\t".join(values) + b"\n"


def row_of(line: bytes, kinds: Sequence[Kind]) -> tuple[Any, ...]:
    """The row of a line, its values as SQLite takes them. Raises: BadBackup."""
    values = line.rstrip(b"\n").split(b"\t")
    try:
        return tuple(
            None if v == NONE else _READ[kind](v.decode())
            for v, kind in zip(values, kinds, strict=True)
        )
    except ValueError:
        raise BadBackup("A line of the backup is not one.") from None


def write_bytes(value: bytes) -> bytes:
    """Bytes as they stand in a line."""
    return b"\\\\x" + value.hex().encode()


def read_bytes(text: str) -> bytes:
    """Bytes from a line. Raises: ValueError."""
    if not text.startswith("\\\\x"):
        raise ValueError("these are no bytes")
    return bytes.fromhex(text[3:])


def read_time(text: str) -> datetime:
    """An instant from a line. Raises: ValueError."""
    return datetime.fromisoformat(text).astimezone(UTC)


def write_time(instant: datetime) -> bytes:
    """An instant as it stands in a line."""
    return (instant.astimezone(UTC).strftime(_SQLITE_TIME) + "+00").encode()


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    found, letters = [], iter(text)
    for letter in letters:
        found.append(_ESCAPED[next(letters)] if letter == "\\" else letter)
    return "".join(found)


_WRITE: dict[Kind, Callable[[Any], bytes]] = {
    Kind.TEXT: lambda v: str(v).translate(_ESCAPES).encode(),
    Kind.INT: lambda v: str(v).encode(),
    Kind.BOOL: lambda v: b"t" if v else b"f",
    Kind.BYTES: write_bytes,
    Kind.UUID: lambda v: str(UUID(v)).encode(),
    Kind.TIME: lambda v: f"{v}+00".encode(),
}
_READ: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: _unescape,
    Kind.INT: int,
    Kind.BOOL: lambda v: {"t": 1, "f": 0}[v],
    Kind.BYTES: read_bytes,
    Kind.UUID: lambda v: UUID(v).hex,
    Kind.TIME: lambda v: read_time(v).strftime(_SQLITE_TIME),
}
