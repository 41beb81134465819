"""Making a backup: every table as it was at one moment, while the service runs. The wrapped keys of
customers, and the list of the erased, go to files of their own. Source: ADR 27."""

import hashlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from consent_service import __version__
from consent_service.crypto.keyring import Keyring
from consent_service.erasures import listed
from consent_service.erasures.list_store import Listed
from consent_service.kernel.errors import Conflict, Invalid
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import proofs, renaming
from consent_service.ledger import service as ledger
from consent_service.ledger.model import EntryFilter
from consent_service.operations import files, rows_store
from consent_service.operations.lines import read_bytes, read_time, write_bytes, write_time
from consent_service.operations.model import (
    APART,
    ERASED,
    FORMAT,
    KEYS,
    LEFT_OUT,
    MANIFEST,
    ROWS,
    Kind,
    Log,
    Manifest,
    Table,
)
from consent_service.storage.migrated import head as migration
from consent_service.storage.unit_of_work import reading, snapshot

_AT_ONCE = 1_000
_EVERYTHING = EntryFilter()


class SignedManifest(Struct, frozen=True):
    """A manifest, and what only somebody with the keyring can write of it."""

    manifest: Manifest
    signature: str


def take_backup(directory: Path, now: datetime, keys: Keyring) -> Manifest:
    """Backs the store up into a directory that is not there yet. Raises: Conflict, Invalid,
    Unavailable."""
    part = directory.with_name(directory.name + ".part")
    if directory.exists():
        raise Conflict(f"{directory} is there already. A backup gets a directory of its own.")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of one that was killed
        part.mkdir(mode=0o700, parents=True)
        manifest = _write(part, now, keys)
        part.rename(directory)
        files.sync(directory.parent)
    except OSError as error:
        raise Invalid(f"{directory} cannot be written: {error.strerror}.") from None
    return manifest


def export_erased(path: Path, now: datetime, keys: Keyring) -> int:
    """Writes the list of the erased as it is now to a file; of how many ids."""
    lines = (
        b"\t".join((write_bytes(digest), write_bytes(key_id), write_time(at))) + b"\n"
        for digest, key_id, at in listed.export()
    )
    try:
        return files.write(path, files.Head(ERASED, new_uuid(), now), lines, keys)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.") from None


def read_erased(path: Path, keys: Keyring) -> list[Listed]:
    """The list in a file. Raises: BadBackup, MisconfiguredError."""
    files.read_head(path, ERASED, keys)
    found = []
    for line in files.read_lines(path):
        digest, key_id, at = line.decode().rstrip("\n").split("\t")
        found.append((read_bytes(digest), read_bytes(key_id), read_time(at)))
    return found


def prune_keys(path: Path, erased: Path | None, keys: Keyring) -> int:
    """Takes the wrapped keys of the erased, by a list or by the store's own, out of a file of keys
    that is kept, which is written anew; how many. Raises: BadBackup, MisconfiguredError."""
    head = files.read_head(path, KEYS, keys)
    gone = None if erased is None else {digest for digest, *_ in read_erased(erased, keys)}
    before = after = 0

    def staying() -> Iterator[bytes]:
        nonlocal before, after
        for some in _portions(files.read_lines(path)):
            ids = [CustomerId(UUID(line.partition(b"\t")[0].decode())) for line in some]
            lost = listed.find_erased(ids, keys, gone)
            kept = [line for line, who in zip(some, ids, strict=True) if who not in lost]
            before, after = before + len(some), after + len(kept)
            yield from kept

    files.write(path, head, staying(), keys)
    return before - after


def _portions(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    for line in lines:
        some.append(line)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _write(directory: Path, now: datetime, keys: Keyring) -> Manifest:
    backup_id = new_uuid()
    with snapshot() as tx:
        wanted = {n: c for n, c in rows_store.list_tables().items() if n not in LEFT_OUT}
        counts = {
            name: files.write(
                directory / file,
                files.Head(file, backup_id, now),
                rows_store.read_lines(tx, name, wanted[name]),
                keys,
            )
            for name, file in APART.items()
        }
        counts |= _write_rows(directory / ROWS, wanted)
        manifest = Manifest(
            FORMAT,
            backup_id,
            now,
            __version__,
            migration(),
            sha256_of(directory / ROWS),
            {name: Table(columns, counts[name]) for name, columns in wanted.items()},
            _log(),
            next((entry.id for entry in ledger.list_after(_EVERYTHING, None, 1)), None),
        )
    signature = files.sign(hashlib.sha256(msgspec.json.encode(manifest)).digest(), keys)
    with files.replacing(directory / MANIFEST) as file:
        file.write(msgspec.json.encode(SignedManifest(manifest, signature)) + b"\n")
    return manifest


def _write_rows(path: Path, wanted: dict[str, dict[str, Kind]]) -> dict[str, int]:
    counts = {}
    with (
        reading() as tx,
        files.replacing(path) as file,
        ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, columns in wanted.items():
            if name in APART:
                continue
            counts[name] = 0
            member = ZipInfo(name)
            member.compress_type = ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as target:
                for lines in rows_store.read_lines(tx, name, columns):
                    target.write(lines)
                    counts[name] += lines.count(b"\n")
    return counts


def sha256_of(path: Path) -> str:
    """In hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _log() -> Log | None:
    head = renaming.find_head()
    if head is None:
        return None
    return Log(head.origin, head.size, proofs.get_checkpoint().note if head.size else "")
