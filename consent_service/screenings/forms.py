"""An audience as a file: read portion by portion, and of each what is permitted written again,
byte for byte as it came, in its order. A row that names nobody is counted, and never the end.
"""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import IO

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from consent_service.decisions.audience import Subject
from consent_service.kernel.errors import Invalid
from consent_service.screenings.model import Column, FormKind, Summary, Unusable
from consent_service.screenings.subjects import subject_of

PORTION = 10_000
LONGEST_ROW = 64 * 1024
_BOM = b"\xef\xbb\xbf"

Named = Subject | Unusable


class Form(ABC):
    """One audience, from `source` to `sink`. `column` None: what names people is whichever column
    is there."""

    def __init__(self, source: IO[bytes], sink: RawIOBase, column: Column | None) -> None:
        self._source, self._sink, self._column = source, sink, column

    @abstractmethod
    def portions(self) -> Iterator[list[Named]]:
        """Whom the rows name, so many at a time. Raises: Invalid when no row can be read."""

    @abstractmethod
    def keep(self, permitted: Sequence[bool]) -> None:
        """Writes those rows of the last portion that are permitted."""

    @abstractmethod
    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes what comes after the last row; with `rows_only` nothing that reads as one."""


def form_of(kind: FormKind, source: IO[bytes], sink: RawIOBase, column: Column | None) -> Form:
    """The form of a media type."""
    if kind is FormKind.PARQUET:
        from consent_service.screenings.parquet import Parquet  # noqa: PLC0415  # 50 MB: rare

        return Parquet(source, sink, column)
    return (Ndjson if kind is FormKind.NDJSON else Csv)(source, sink, column)


def only_column(names: Sequence[str], wanted: Column | None) -> Column:
    """The one column of a header that names people. Raises: Invalid unless there is one."""
    there = [column for column in Column if column in names]
    if wanted is not None:
        there = [column for column in there if column is wanted]
    if len(there) == 1 and names.count(there[0]) == 1:
        return there[0]
    if there and wanted is None:
        raise Invalid.at("", "several_columns", "Say by `column` which of them names people.")
    raise Invalid.at("", "no_column", "A column named as the people are: " + ", ".join(Column))


class _Lines:
    """The lines of a file, each with its end; of one that is too long only its beginning, and
    the end of what was left out."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._first = True

    def __iter__(self) -> Iterator[bytes]:
        while line := self._source.readline(LONGEST_ROW + 1):
            if self._first:
                line, self._first = line.removeprefix(_BOM), False
            yield line
            while len(line) > LONGEST_ROW and not line.endswith(b"\n"):
                line = self._source.readline(LONGEST_ROW + 1)


class _Line(Struct):
    """A row of NDJSON, as far as it names somebody."""

    customer_id: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    customer_number: str | UnsetType | None = UNSET
    device: str | UnsetType | None = UNSET
    email_sha256: str | UnsetType | None = UNSET
    phone_sha256: str | UnsetType | None = UNSET


_COLUMNS = tuple(map(Column, _Line.__struct_fields__))


class Ndjson(Form):
    """A line each: a customer id as a string, or an object with a member that names somebody.
    Blank lines are none. The last line written is the summary."""

    _decode = msgspec.json.Decoder(_Line | str).decode

    def portions(self) -> Iterator[list[Named]]:
        """Whom the lines name."""
        self._lines: list[bytes] = []
        for line in _Lines(self._source):
            if line.strip():
                self._lines.append(line)
            if len(self._lines) == PORTION:
                yield [self._named(each) for each in self._lines]
                self._lines = []
        yield [self._named(each) for each in self._lines]

    def keep(self, permitted: Sequence[bool]) -> None:
        """Writes the lines."""
        _write_lines(self._sink, self._lines, permitted)

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the summary as an object with that one member."""
        if not rows_only:
            self._sink.write(msgspec.json.encode({"summary": summary}) + b"\n")

    def _named(self, line: bytes) -> Named:
        if len(line) > LONGEST_ROW:
            return Unusable.TOO_LONG
        try:
            said = self._decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Unusable.NOT_READABLE
        if isinstance(said, str):
            return subject_of(Column.CUSTOMER_ID, said)
        cells = zip(_COLUMNS, astuple(said), strict=True)
        there = [(c, v) for c, v in cells if v.__class__ is str and self._column in (None, c)]
        if len(there) == 1:
            return subject_of(*there[0])
        return Unusable.SEVERAL_NAMED if there else Unusable.NOBODY_NAMED


class Csv(Form):
    """A header and a row each (RFC 4180). The last line written begins with `#`: the summary."""

    def portions(self) -> Iterator[list[Named]]:
        """Whom the rows name."""
        self._pulled: list[bytes] = []
        self._rows: list[bytes] = []
        reader = csv.reader(self._pull(), strict=True)
        header = self._next(reader) or []
        self._name = only_column(header, self._column)
        at = header.index(self._name)
        self._sink.write(self._raw())
        named: list[Named] = []
        while (cells := self._next(reader)) is not None:
            raw = self._raw()
            if raw.strip():
                named.append(self._named(raw, cells, at, len(header)))
                self._rows.append(raw)
            if len(named) == PORTION:
                yield named
                named, self._rows = [], []
        yield named

    def keep(self, permitted: Sequence[bool]) -> None:
        """Writes the rows."""
        _write_lines(self._sink, self._rows, permitted)

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the summary, in JSON, as a comment."""
        if not rows_only:
            self._sink.write(b"# " + msgspec.json.encode({"summary": summary}) + b"\r\n")

    def _pull(self) -> Iterator[str]:
        for line in _Lines(self._source):
            self._pulled.append(line)
            yield line.decode("utf-8", "surrogateescape")  # such a row is refused by its value

    def _raw(self) -> bytes:
        """The bytes of the row read last."""
        raw = b"".join(self._pulled)
        self._pulled.clear()
        return raw

    def _next(self, reader: Iterator[list[str]]) -> list[str] | None:
        """The cells of the next row, none of one that is no CSV; None after the last."""
        try:
            return next(reader, None)
        except csv.Error:
            return []

    def _named(self, raw: bytes, cells: list[str], at: int, width: int) -> Named:
        if len(raw) > LONGEST_ROW:
            return Unusable.TOO_LONG
        if len(cells) != width:
            return Unusable.NOT_READABLE
        text = cells[at].strip()
        return subject_of(self._name, text) if text else Unusable.NOBODY_NAMED


def _write_lines(sink: RawIOBase, lines: Sequence[bytes], permitted: Sequence[bool]) -> None:
    kept = [line for line, yes in zip(lines, permitted, strict=True) if yes]
    sink.write(b"".join([line if line.endswith(b"\n") else line + b"\n" for line in kept]))
