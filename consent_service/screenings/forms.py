"""An audience as a file: read portion by portion, and of each what is permitted written again,
byte for byte as it came, in its order. A row that names nobody is counted, and never the end.
"""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO, RawIOBase
from itertools import compress, islice
from operator import attrgetter
from typing import IO

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from consent_service.decisions.crowd import Crowd, Mixed, Subject
from consent_service.kernel.errors import Invalid
from consent_service.screenings.model import Column, FormKind, Summary, Unusable
from consent_service.screenings.subjects import crowd_alike, crowd_of, subject_of

PORTION = 10_000
LONGEST_ROW = 64 * 1024
_LARGEST = 1 << 20
_BOM = b"\xef\xbb\xbf"

Named = Subject | Unusable


class Portion(Struct, frozen=True):
    """Whom some rows of an audience name. `size` is in bytes, of those that were looked at one by
    one."""

    crowd: Crowd
    unusable: Sequence[Unusable] = ()
    size: int = 0


class Form(ABC):
    """One audience, which is read from `source` for whom it names, and from `again` for its rows.
    `column` None: what names people is whichever column is there."""

    def __init__(
        self, source: IO[bytes], again: IO[bytes], sink: RawIOBase, column: Column | None
    ) -> None:
        self._source, self._again, self._sink, self._column = source, again, sink, column

    @abstractmethod
    def portions(self) -> Iterator[Portion]:
        """Whom the rows name, so many at a time. Raises: Invalid when none can be read."""

    @abstractmethod
    def keep(self, permitted: bytes) -> None:
        """Writes those rows of the next portion that are permitted: a byte for each, 0 or 1.
        Raises: Invalid when they cannot be read."""

    @abstractmethod
    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes what comes after the last row; with `rows_only` nothing that reads as one."""


def mixed(named: Sequence[Named], size: int) -> Portion:
    """A portion whose rows were looked at one by one."""
    subjects = [None if isinstance(one, Unusable) else one for one in named]
    unusable = [one for one in named if isinstance(one, Unusable)]
    return Portion(Mixed(subjects), unusable, size)


def form_of(
    kind: FormKind, source: IO[bytes], again: IO[bytes], sink: RawIOBase, column: Column | None
) -> Form:
    """The form of a media type."""
    if kind is FormKind.PARQUET:
        from consent_service.screenings.parquet import Parquet  # noqa: PLC0415  # 50 MB: rare

        return Parquet(source, again, sink, column)
    return (Ndjson if kind is FormKind.NDJSON else Csv)(source, again, sink, column)


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


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    """A file in blocks of whole lines; of a line that is too long only its beginning, as the last
    of its block."""
    first = True
    while block := source.read(LONGEST_ROW):
        if not block.endswith(b"\n"):
            block += source.readline(LONGEST_ROW + 1)
        yield block.removeprefix(_BOM) if first else block
        first, rest = False, block
        while len(rest) > LONGEST_ROW and not rest.endswith(b"\n"):
            rest = source.readline(LONGEST_ROW + 1)


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Its lines, each with its end."""
    for block in _blocks(source):
        yield from BytesIO(block).readlines()


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
_NAMES = {column: b'"%b"' % column.encode() for column in Column}
_ALONE = {
    column: msgspec.json.Decoder(msgspec.defstruct(column.name, [(column.value, str)]))
    for column in Column
}
_TEXT = msgspec.json.Decoder(str)


class Ndjson(Form):
    """A line each: a customer id as a string, or an object with a member that names somebody.
    Blank lines are none. The last line written is the summary."""

    _decode = msgspec.json.Decoder(_Line | str).decode

    @cached_property
    def _blocks(self) -> Iterator[bytes]:
        return _blocks(self._again)

    def portions(self) -> Iterator[Portion]:
        """Blocks of lines."""
        for block in _blocks(self._source):
            crowd = self._crowd(block)
            if crowd is not None:
                yield Portion(crowd)
                continue
            named = [self._named(line) for line in BytesIO(block).readlines() if line.strip()]
            yield mixed(named, len(block))

    def keep(self, permitted: bytes) -> None:
        """Writes the lines of the next block."""
        lines = BytesIO(next(self._blocks)).readlines()
        if len(lines) > len(permitted):
            lines = [line for line in lines if line.strip()]
        _write_lines(self._sink, lines, permitted)

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the summary as an object with that one member."""
        if not rows_only:
            self._sink.write(msgspec.json.encode({"summary": summary}) + b"\n")

    def _crowd(self, block: bytes) -> Crowd | None:
        """Whom the lines of a block name, where all do it in the same way, plainly."""
        if b"\\" in block:  # a name may be spelled otherwise
            return None
        if len(block) - block.rfind(b"\n", 0, -1) - 1 > LONGEST_ROW:
            return None
        try:
            if (found := crowd_alike(block, self._column)) is not None:
                return found
            if block.startswith(b'"'):
                texts = _TEXT.decode_lines(block)
                whole = _is_one_a_line(block, len(texts), b'"', b'"')
                return crowd_of(Column.CUSTOMER_ID, texts) if whole else None
            there = [c for c in Column if self._column in (None, c) and _NAMES[c] in block]
            if len(there) != 1:
                return None
            said = _ALONE[there[0]].decode_lines(block)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not _is_one_a_line(block, len(said), b"{", b"}"):
            return None
        return crowd_of(there[0], list(map(attrgetter(there[0].value), said)))

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

    def portions(self) -> Iterator[Portion]:
        """Rows as they came."""
        rows = _Rows(self._source)
        header = next(rows, (b"", []))[1]
        self._name = only_column(header, self._column)
        at = header.index(self._name)
        texts: list[str | Unusable] = []
        size = 0
        for raw, cells in rows:
            texts.append(self._text(raw, cells, at, len(header)))
            size += len(raw)
            if len(texts) == PORTION or size > _LARGEST:
                yield self._portion(texts, size)
                texts, size = [], 0
        yield self._portion(texts, size)

    def keep(self, permitted: bytes) -> None:
        """Writes the rows."""
        _write_lines(self._sink, [raw for raw, _ in islice(self._rows, len(permitted))], permitted)

    @cached_property
    def _rows(self) -> "_Rows":
        rows = _Rows(self._again)
        self._sink.write(next(rows)[0])
        return rows

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the summary, in JSON, as a comment."""
        if not rows_only:
            self._sink.write(b"# " + msgspec.json.encode({"summary": summary}) + b"\r\n")

    def _portion(self, texts: list[str | Unusable], size: int) -> Portion:
        usable = [text for text in texts if not isinstance(text, Unusable)]
        crowd = crowd_of(self._name, usable) if len(usable) == len(texts) else None
        if crowd is not None:
            return Portion(crowd)
        named = [one if isinstance(one, Unusable) else subject_of(self._name, one) for one in texts]
        return mixed(named, size)

    def _text(self, raw: bytes, cells: list[str], at: int, width: int) -> str | Unusable:
        if len(raw) > LONGEST_ROW:
            return Unusable.TOO_LONG
        if len(cells) != width:
            return Unusable.NOT_READABLE
        return cells[at].strip() or Unusable.NOBODY_NAMED


class _Rows(Iterator[tuple[bytes, list[str]]]):
    """The rows of a CSV: the bytes of each, and its cells, none of one that is no CSV. The header
    comes first; blank rows after it are none."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._is_header = source, True
        self._pulled: list[bytes] = []
        self._reader = csv.reader(self._pull(), strict=True)

    def __next__(self) -> tuple[bytes, list[str]]:
        while True:
            cells = self._next()
            raw = b"".join(self._pulled)
            self._pulled.clear()
            if raw.strip() or self._is_header:
                self._is_header = False
                return raw, cells

    def _next(self) -> list[str]:
        try:
            return next(self._reader)
        except csv.Error:
            return []

    def _pull(self) -> Iterator[str]:
        for line in _lines(self._source):
            self._pulled.append(line)
            yield line.decode("utf-8", "surrogateescape")  # such a row is refused by its value


def _is_one_a_line(block: bytes, count: int, begin: bytes, end: bytes) -> bool:
    """Whether of so many values each has a line to itself. The decoder does not ask: two on a line
    and one on two would be three on three to it. No value goes on where one ended and another
    began, so that each line has one at least."""
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    edges = block.count(end + (b"\r\n" if b"\r\n" in block else b"\n") + begin)
    whole = block.startswith(begin) and block.rstrip(b"\r\n").endswith(end)
    return whole and edges + 1 == lines == count


def _write_lines(sink: RawIOBase, lines: Sequence[bytes], permitted: bytes) -> None:
    kept = b"".join(compress(lines, permitted))
    if permitted and permitted[-1] and not kept.endswith(b"\n"):
        kept += b"\n"  # the last line of all may have no end
    sink.write(kept)
