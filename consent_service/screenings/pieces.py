"""Files of people in the store: sealed piece by piece, kept for a day.

They belong to no customer, and are sealed under the newest master key; one that was the newest
when a piece was written opens it. Each seal is bound to the file, the piece's number, and whether
it is the last, so that a file that lost its end, or a piece put elsewhere, does not open. Every
piece is written and removed by a transaction of its own: no other writer waits for a whole file.
Source: Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (2015), for the last piece.
"""

from collections.abc import Callable
from datetime import datetime
from io import RawIOBase
from uuid import UUID

from consent_service.crypto.envelope import Field, SealBroken, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.screenings import job_store as store
from consent_service.storage.unit_of_work import reading, unit_of_work

PIECE = 1 << 20
_AT_ONCE = 8
_LAST = 1 << 64

Tick = Callable[[], None]


def _no_tick() -> None:
    """Nobody waits for it."""


class Writer:
    """A file as it is written. `tick` is called for each piece."""

    def __init__(
        self, file: UUID, keys: Keyring, expires_at: datetime, tick: Tick = _no_tick
    ) -> None:
        self._file, self._keys, self._expires_at, self._tick = file, keys, expires_at, tick
        self._number = 0
        self._held = b""

    def take(self, source: RawIOBase) -> None:
        """Adds what a source has. Raises: Unavailable."""
        while part := source.read(PIECE - len(self._held)):
            self._held += part
            if len(self._held) == PIECE:
                self._put(is_last=False)

    def close(self) -> None:
        """Ends the file. Raises: Unavailable."""
        self._put(is_last=True)

    def _put(self, *, is_last: bool) -> None:
        field = _field(self._file, self._number, is_last)
        sealed = seal(self._keys.master, field, self._held)
        with unit_of_work() as tx:
            store.add_piece(tx, self._file, self._number, is_last, sealed, self._expires_at)
        self._number, self._held = self._number + 1, b""
        self._tick()


def copy_file(file: UUID, sink: RawIOBase, keys: Keyring, tick: Tick = _no_tick) -> None:
    """Writes a file out in clear. Raises: SealBroken when it is not whole, MisconfiguredError,
    Unavailable."""
    number, is_last = 0, False
    while not is_last:
        with reading() as tx:
            found = store.find_piece(tx, file, number)
        if found is None:
            raise SealBroken("a piece is missing")
        sealed, is_last = found
        key = keys.master_by_id(sealed_under(sealed))
        sink.write(unseal(key, _field(file, number, is_last), sealed))
        number += 1
        tick()


def delete_file(file: UUID) -> None:
    """Removes a file, or what there is of it. Raises: Unavailable."""
    while _delete_some(file):
        continue


def delete_expired(now: datetime) -> int:
    """Removes all pieces whose time is over; how many. Raises: Unavailable."""
    gone = 0
    while some := _delete_some_expired(now):
        gone += some
    return gone


def _delete_some(file: UUID) -> int:
    with unit_of_work() as tx:
        return store.delete_some_of(tx, file, _AT_ONCE)


def _delete_some_expired(now: datetime) -> int:
    with unit_of_work() as tx:
        return store.delete_some_expired(tx, now, _AT_ONCE)


def _field(file: UUID, number: int, is_last: bool) -> Field:
    return Field("screening.piece", file, UUID(int=number | (_LAST if is_last else 0)))
