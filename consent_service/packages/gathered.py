"""Rows put aside while a package is made: one walk over the store, then one over these for each
form. They are sealed on the disk, and memory stays flat however many there are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from consent_service.crypto.spool import Spool
from consent_service.packages.shape import BY_NAME, pick

_BLOCK = 1 << 18
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Gathered:
    """The tables of one package."""

    def __init__(self, *, portable: bool) -> None:
        self.portable = portable
        self._spool = Spool()
        self._places: dict[str, tuple[int, int, int]] = {}

    def put(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Puts a table aside: of each row what `shape` names."""
        shape, start, count, held = BY_NAME[table], self._spool.size, 0, bytearray()
        for row in rows:
            held += _encode(pick(shape, row, portable=self.portable)) + b"\n"
            count += 1
            if len(held) >= _BLOCK:
                self._spool.write(held)
                held = bytearray()
        self._spool.write(held)
        self._places[table] = (start, self._spool.size, count)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._places[table][2]

    def size(self, table: str) -> int:
        """How many bytes its rows take."""
        start, end, _ = self._places[table]
        return end - start

    def lines(self, table: str) -> Iterator[bytes]:
        """The rows of a table as JSON, each without its line feed."""
        at, end, _ = self._places[table]
        rest = b""
        while at < end:
            self._spool.seek(at)
            block = self._spool.read(min(_BLOCK, end - at))
            at += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table."""
        return map(_decode, self.lines(table))

    def close(self) -> None:
        """Forgets them."""
        self._spool.close()

    def __enter__(self) -> "Gathered":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
