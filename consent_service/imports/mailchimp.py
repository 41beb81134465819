"""Reading an export in the layout Mailchimp gives: a ZIP with `subscribed_*.csv`,
`unsubscribed_*.csv` and `cleaned_*.csv`, in whatever folder, or one such CSV alone.

The file is not trusted: nothing is unpacked, names in it are only shown, and what it
decompresses to is counted as it is read, not believed. Rows stream: memory does not grow with
the file. What a row means is for `mapping.py`.
"""

import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from consent_service.imports.model import COLUMNS, REQUIRED, ListKind, Row
from consent_service.kernel.errors import Invalid

_NAME = re.compile(r"(subscribed|unsubscribed|cleaned)_[^/\\]*\.csv", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is too much: entries of the archive, bytes it decompresses to in all, bytes of
    its directory, characters of one row."""

    entries: int = 1_000
    total_bytes: int = 4 << 30
    directory_bytes: int = 1 << 20
    row_characters: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One list of an export: the name to show, what it lists, and how to open its bytes."""

    name: str
    kind: ListKind
    open: Callable[[], IO[bytes]]


class Export:
    """An opened export; `rows` may be walked more than once."""

    def __init__(self, members: list[Member], limits: Limits) -> None:
        self._members = sorted(members, key=lambda m: (list(ListKind).index(m.kind), m.name))
        self._limits = limits

    def rows(self) -> Iterator[Row]:
        """Every row: subscribed, unsubscribed, cleaned, whatever their order in the archive.

        Raises: Invalid where it is damaged or too much.
        """
        counted = _Counter(self._limits.total_bytes)
        for member in self._members:
            with _told(member):
                yield from _rows(member, counted, self._limits)

    def count_rows(self) -> int:
        """How many rows there are. Raises: as `rows`."""
        counted = _Counter(self._limits.total_bytes)
        total = 0
        for member in self._members:
            with _told(member):
                total += sum(1 for _ in _records(member, counted, self._limits)) - 1
        return total


@contextmanager
def open_export(path: Path, limits: Limits = Limits()) -> Iterator[Export]:
    """Opens an export. Raises: Invalid when it is none."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb", buffering=0))
        except OSError as error:
            raise Invalid(f"The file cannot be read: {error.strerror}.") from None
        kind = _kind(path.name)
        if kind is not None:
            yield Export([Member(path.name, kind, lambda: path.open("rb"))], limits)
        else:
            yield Export(list(_members(_archive(file, stack, limits), limits)), limits)


def _archive(file: io.RawIOBase, stack: ExitStack, limits: Limits) -> zipfile.ZipFile:
    """The archive. Its directory is read in one go before anything else of it is known; a
    reader that refuses long reads keeps a huge one out of memory."""
    try:
        reader = stack.enter_context(_ShortReads(file, limits.directory_bytes))
        return stack.enter_context(zipfile.ZipFile(reader))
    except _NoExport:
        raise Invalid("The archive has too many entries for a list export.") from None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Invalid(
            "The file is neither a ZIP archive, or not a whole one, nor a CSV named "
            "subscribed_….csv, unsubscribed_….csv or cleaned_….csv."
        ) from None


def _members(archive: zipfile.ZipFile, limits: Limits) -> Iterator[Member]:
    entries = archive.infolist()
    if len(entries) > limits.entries:
        raise Invalid("The archive has too many entries for a list export.")
    found = 0
    for entry in entries:
        name = re.split(r"[/\\]", entry.filename)[-1]
        kind = _kind(name)
        if kind is not None and not entry.is_dir():
            found += 1
            yield Member(_shown(name), kind, _opener(archive, entry))
    if not found:
        raise Invalid(
            "The archive has none of the lists: subscribed_….csv, unsubscribed_….csv, "
            "cleaned_….csv."
        )


def _opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _kind(name: str) -> ListKind | None:
    match = _NAME.fullmatch(name)
    return None if match is None else ListKind(match[1].lower())


def _shown(name: str) -> str:
    """A name from the archive, fit to be shown on a terminal and to stand in a file."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[-120:]


@contextmanager
def _told(member: Member) -> Iterator[None]:
    """Turns what can be wrong with a list into a line that a person can use."""
    try:
        yield
    except _NoExport as too_much:
        raise Invalid(f"{member.name}: {too_much}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{member.name}: is not UTF-8 text.") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError):
        raise Invalid(f"{member.name}: is damaged in the archive.") from None
    except (NotImplementedError, RuntimeError):
        raise Invalid(f"{member.name}: is encrypted or packed in an unusual way.") from None


def _rows(member: Member, counted: "_Counter", limits: Limits) -> Iterator[Row]:
    records = _records(member, counted, limits)
    _, header = next(records)
    wanted = [(name, header.index(name)) for name in COLUMNS if name in header]
    for line, cells in records:
        if len(cells) == len(header):
            found = {name: text for name, at in wanted if (text := cells[at].strip())}
            yield Row(member.name, line, member.kind, found)
        else:
            yield Row(member.name, line, member.kind, None)


def _records(
    member: Member, counted: "_Counter", limits: Limits
) -> Iterator[tuple[int, list[str]]]:
    """The records of one list that are not blank, its header first, each with the line on which
    it starts."""
    with member.open() as raw, _text(raw, counted) as text:
        lines = _Lines(text, limits.row_characters)
        reader = csv.reader(lines)
        yield 1, _header(member, next(reader, []))
        start = reader.line_num + 1
        lines.begin_row()
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
                lines.begin_row()
        except csv.Error:
            raise _NoExport(f"is not CSV, at about line {lines.count}.") from None


def _header(member: Member, cells: list[str]) -> list[str]:
    header = [name.strip() for name in cells]
    missing = [name for name in REQUIRED[member.kind] if name not in header]
    if missing:
        raise Invalid(f"{member.name}: lacks the columns {', '.join(missing)}.")
    return header


class _NoExport(Exception):
    """More than a list export has, or none at all; the text says what."""


class _ShortReads(io.BufferedReader):
    """Refuses to read more than so many bytes at once."""

    def __init__(self, file: io.RawIOBase, most: int) -> None:
        super().__init__(file)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file. Raises: _NoExport."""
        asked = self._most + 1 if size is None or size < 0 else min(size, self._most + 1)
        found = super().read(asked)
        if len(found) > self._most:
            raise _NoExport
        return found


class _Counter:
    """Counts bytes as they come out of the archive."""

    def __init__(self, most: int) -> None:
        self._left = most

    def add(self, count: int) -> None:
        """Raises: _NoExport."""
        self._left -= count
        if self._left < 0:
            raise _NoExport("decompresses to more than a list export holds.")


class _Counted(io.RawIOBase):
    """A list's bytes, counted."""

    def __init__(self, source: IO[bytes], counted: _Counter) -> None:
        self._source = source
        self._counted = counted

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As of any raw file. Raises: _NoExport."""
        found = self._source.read(len(buffer))
        self._counted.add(len(found))
        buffer[: len(found)] = found
        return len(found)


def _text(source: IO[bytes], counted: _Counter) -> io.TextIOWrapper:
    buffered = io.BufferedReader(_Counted(source, counted), 1 << 16)
    return io.TextIOWrapper(buffered, encoding="utf-8-sig", newline="")


class _Lines:
    """The lines of a text, none of them, nor the lines of one row, longer than allowed."""

    def __init__(self, text: io.TextIOWrapper, most: int) -> None:
        self._text = text
        self._most = most
        self._left = most
        self.count = 0

    def begin_row(self) -> None:
        """A row starts here."""
        self._left = self._most

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.count += 1
        self._left -= len(line)
        if self._left < 0:
            raise _NoExport(f"has too long a row, at about line {self.count}.")
        return line
