"""The journal: what was refused, marked or erased, written down outside the database within
seconds, so that a backup that is put back learns of it.

A directory of files, one a day. The first line of a file names the journal; each other one is
sealed under a master key, with the journal and its own number in the seal, so that none can be
changed, moved or left out unseen but the last. Customers stand in it only as keyed digests of their
ids: with the keyring too it says nothing of whoever is not there any more. Source: ADR 27.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from consent_service.crypto import blind_index
from consent_service.crypto.envelope import Field, SealBroken, Sealed, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.errors import MisconfiguredError
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.operations.files import sync
from consent_service.operations.model import BadBackup

_KIND = "journal.customer"
_SUFFIX = ".journal"


class Seen(Struct, frozen=True):
    """How far the store was looked through when a line was written: the log's name, up to which
    leaf, and since when marks and erasures."""

    origin: str
    leaf: int
    at: datetime


class Line(Struct, frozen=True):
    """Something that is to be done again, or, with `seen`, that all until then is written."""

    number: int
    at: datetime
    what: str = ""
    about: dict[str, Any] = {}
    seen: Seen | None = None


def digest_of(customer_id: CustomerId, keys: Keyring) -> str:
    """What stands for a customer."""
    return blind_index.keyed_digest(keys, _KIND, customer_id.bytes).hex()


def digests_of(customer_id: CustomerId, keys: Keyring) -> list[str]:
    """What may stand for a customer, under any key."""
    return [p.digest.hex() for p in blind_index.keyed_probes(keys, _KIND, customer_id.bytes)]


def read_journal(directory: Path, keys: Keyring) -> Iterator[Line]:
    """Every line, in order. Raises: BadBackup, MisconfiguredError."""
    number, journal = None, None
    for path in _list_files(directory):
        named, lines = _read(path)
        if journal not in (None, named):
            raise BadBackup(f"{path} is of another journal.")
        journal = named
        for text in lines:
            if number is None:
                number = _first_number(path)
            yield _open(text, journal, number, keys, path)
            number += 1


class Journal:
    """The journal as its one writer has it."""

    def __init__(self, directory: Path, keys: Keyring) -> None:
        """Raises: BadBackup, MisconfiguredError when it cannot be written on."""
        self._directory = directory
        self._number, self._id, self.seen = 0, new_uuid(), None
        files = _list_files(directory)
        if files:
            _cut_torn(files[-1])
        line = None
        for line in read_journal(directory, keys):
            self.seen = line.seen or self.seen
        if files:
            self._id = _read(files[-1])[0]
            self._number = _first_number(files[-1]) if line is None else line.number + 1

    def append(
        self, found: Sequence[tuple[str, dict[str, Any]]], seen: Seen, now: datetime, keys: Keyring
    ) -> None:
        """Writes what was found and how far that is; it is on the disk when this returns."""
        lines = [Line(self._number + n, now, what, about) for n, (what, about) in enumerate(found)]
        lines.append(Line(self._number + len(lines), now, seen=seen))
        path = self._path(now)
        new = not path.exists()
        opened = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "ab") as file:
            if new:
                file.write(self._id.hex.encode() + b"\n")
            file.write(b"".join(_seal(line, self._id, keys) for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self._directory)
        self._number, self.seen = self._number + len(lines), seen

    def _path(self, now: datetime) -> Path:
        files = _list_files(self._directory)
        day = f"{now:%Y-%m-%d}"
        if files and files[-1].name.split("_")[1] == day + _SUFFIX:
            return files[-1]
        return self._directory / f"{self._number:012}_{day}{_SUFFIX}"


@contextmanager
def sole_writer(directory: Path) -> Iterator[bool]:
    """Whether nobody else writes there; while it lasts nobody else may."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise MisconfiguredError(f"CONSENT_JOURNAL_DIR: {error.strerror}") from None
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(opened)


def _list_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*_*" + _SUFFIX))


def _first_number(path: Path) -> int:
    return int(path.name.split("_")[0])


def _read(path: Path) -> tuple[UUID, list[bytes]]:
    try:
        first, *lines = path.read_bytes().split(b"\n")
        return UUID(first.decode()), lines[:-1]
    except (OSError, ValueError):
        raise BadBackup(f"{path} is no file of a journal.") from None


def _cut_torn(path: Path) -> None:
    """Takes away a last line that was not written to its end."""
    whole = path.read_bytes().rpartition(b"\n")
    if whole[2]:
        with path.open("r+b") as file:
            file.truncate(len(whole[0]) + len(whole[1]))


def _seal(line: Line, journal: UUID, keys: Keyring) -> bytes:
    sealed = seal(keys.master, _field(journal, line.number), msgspec.json.encode(line))
    return base64.b64encode(sealed) + b"\n"


def _open(text: bytes, journal: UUID, number: int, keys: Keyring, path: Path) -> Line:
    try:
        sealed = Sealed(base64.b64decode(text, validate=True))
        master = keys.master_by_id(sealed_under(sealed))
        plain = unseal(master, _field(journal, number), sealed)
    except (binascii.Error, SealBroken):
        raise BadBackup(f"{path}: line {number} is missing, or not as it was written.") from None
    return msgspec.json.decode(plain, type=Line)


def _field(journal: UUID, number: int) -> Field:
    return Field("journal.line", journal, UUID(int=number))
