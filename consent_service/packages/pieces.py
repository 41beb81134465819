"""Files of one customer in the store: sealed under their life key, piece by piece.

Each seal is bound to the file, the piece's number and whether it is the last, so that a file that
lost its end, or a piece put elsewhere, does not open.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from consent_service.crypto.envelope import Field, SealBroken, Sealed, SealingKey, seal, unseal
from consent_service.packages import store
from consent_service.packages.model import piece_row
from consent_service.storage.unit_of_work import reading, unit_of_work

PIECE = 1 << 18


class Writer(io.RawIOBase):
    """A file as it is written, from its beginning to its end. `guard` is called in the transaction
    of each piece, and raises when the file is not wanted any more."""

    def __init__(
        self, customer: UUID, file: UUID, life: SealingKey, guard: Callable[[], None]
    ) -> None:
        super().__init__()
        self._customer, self._file, self._life, self._guard = customer, file, life, guard
        self._held = bytearray()
        self._number = 0
        self.size = 0

    def writable(self) -> bool:
        """Yes, at its end."""
        return True

    def write(self, part: Any) -> int:
        """Adds to the end. Raises: Unavailable, and what `guard` raises."""
        given = memoryview(part).cast("B")
        self._held += given
        self.size += len(given)
        while len(self._held) > PIECE:
            self._put(bytes(self._held[:PIECE]), is_last=False)
            del self._held[:PIECE]
        return len(given)

    def finish(self) -> None:
        """Ends the file. Raises: as `write`."""
        self._put(bytes(self._held), is_last=True)
        self._held.clear()

    def _put(self, plain: bytes, *, is_last: bool) -> None:
        field = _field(self._customer, self._file, self._number, is_last)
        sealed = seal(self._life, field, plain)
        with unit_of_work() as tx:
            self._guard()
            store.add_piece(tx, self._customer, self._file, self._number, is_last, sealed)
        self._number += 1


def read_pieces(customer: UUID, file: UUID, life: SealingKey) -> Iterator[tuple[bytes, bool]]:
    """The pieces of a file in clear, and of each whether it is the last. Raises: SealBroken when
    the file is not whole, Unavailable."""
    number, is_last = 0, False
    while not is_last:
        with reading() as tx:
            found = store.find_piece(tx, customer, file, number)
        if found is None:
            raise SealBroken("a piece is missing")
        sealed, is_last = found
        yield open_piece(sealed, customer, file, number, life, is_last=is_last), is_last
        number += 1


def open_piece(
    sealed: Sealed, customer: UUID, file: UUID, number: int, life: SealingKey, *, is_last: bool
) -> bytes:
    """A piece in clear. Raises: SealBroken."""
    return unseal(life, _field(customer, file, number, is_last), sealed)


def _field(customer: UUID, file: UUID, number: int, is_last: bool) -> Field:
    return Field("package.piece", customer, piece_row(file, number, is_last=is_last))
