"""Files of a backup that are kept apart: a line that says what it is, lines of rows, and a line
that only somebody with the keyring can write, over all before it. Nobody else may read them."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec
from msgspec import Struct

from consent_service.crypto import blind_index
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.errors import MisconfiguredError
from consent_service.operations.model import FORMAT, BadBackup

_KIND = "backup.file"
_END = b"\\."
_PART = ".part"


class Head(Struct, frozen=True):
    """What a file is, of which backup, and of when."""

    what: str
    backup: UUID
    made_at: datetime
    format: int = FORMAT


def write(path: Path, head: Head, lines: Iterable[bytes], keys: Keyring) -> int:
    """Writes a file, or all of it anew; how many lines. Half a file is never under its name."""
    count, digest = 0, hashlib.sha256()
    with replacing(path) as file:

        def put(line: bytes) -> None:
            digest.update(line)
            file.write(line)

        put(msgspec.json.encode(head) + b"\n")
        for some in lines:
            put(some)
            count += some.count(b"\n")
        file.write(_END + b" " + sign(digest.digest(), keys).encode() + b"\n")
    return count


def read_head(path: Path, what: str, keys: Keyring) -> Head:
    """What a file is, once every line is as it was written. Raises: BadBackup,
    MisconfiguredError."""
    digest, last = hashlib.sha256(), b""
    with _told(path), path.open("rb") as file:
        head = msgspec.json.decode(file.readline(), type=Head)
        file.seek(0)
        for line in file:
            digest.update(last)
            last = line
    end, _, signature = last.rstrip(b"\n").partition(b" ")
    if end != _END or not last.endswith(b"\n"):
        raise BadBackup(f"{path} is not whole.")
    check(digest.digest(), signature.decode(errors="replace"), keys, path)
    if head.what != what or head.format != FORMAT:
        raise BadBackup(f"{path} is another file than one of {what}.")
    return head


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of rows of a file that was checked."""
    with _told(path), path.open("rb") as file:
        file.readline()
        for line in file:
            if line.startswith(_END + b" "):
                return
            yield line


def sign(digest: bytes, keys: Keyring) -> str:
    """What only somebody with the keyring can write of a digest, after the key's id."""
    made = blind_index.keyed_probes(keys, _KIND, digest)[0]
    return f"{made.key_id.hex()}:{made.digest.hex()}"


def check(digest: bytes, signature: str, keys: Keyring, path: Path) -> None:
    """Raises: BadBackup, MisconfiguredError for a keyring without the key."""
    key_id, _, made = signature.partition(":")
    found = {p.key_id.hex(): p.digest for p in blind_index.keyed_probes(keys, _KIND, digest)}
    if key_id not in found and len(key_id) == 8:
        raise MisconfiguredError(
            f"{path} was written with index key {key_id}, which the keyring does not hold; "
            "put back the keyring that does"
        )
    if not hmac.compare_digest(found.get(key_id, b"").hex(), made):
        raise BadBackup(f"{path} is not as it was written.")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that nobody else may read, and that is there, whole and on the disk, at the end."""
    part = path.with_name(path.name + _PART)
    with suppress(FileNotFoundError):
        part.unlink()
    opened = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    sync(path.parent)


def sync(directory: Path) -> None:
    """Has the disk know what is in a directory."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadBackup(f"{path}: {error.strerror}.") from None
    except msgspec.DecodeError:
        raise BadBackup(f"{path} is no file of a backup.") from None
