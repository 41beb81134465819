"""Putting a backup into an empty store, in one transaction: it is there whole, with the mark that
keeps it from answering, or not at all. Source: ADR 27."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import msgspec

from consent_service.crypto.keyring import Keyring
from consent_service.customers.key_marks import check_keyring
from consent_service.erasures import listed
from consent_service.kernel.actors import Actor
from consent_service.ledger import partitions, proofs, renaming
from consent_service.ledger.notes import Checkpoint
from consent_service.operations import files, rows_store
from consent_service.operations.backing_up import SignedManifest, read_erased, sha256_of
from consent_service.operations.marking import mark
from consent_service.operations.model import (
    APART,
    ERASED,
    FORMAT,
    KEYS,
    MANIFEST,
    ROWS,
    BadBackup,
    Manifest,
    NotEmpty,
    Restore,
)
from consent_service.storage.migrated import is_known
from consent_service.storage.migrations import migrate
from consent_service.storage.unit_of_work import reading, unit_of_work


def read_manifest(directory: Path, keys: Keyring) -> Manifest:
    """What a backup says it is. Raises: BadBackup, MisconfiguredError."""
    path = directory / MANIFEST
    try:
        signed = msgspec.json.decode(path.read_bytes(), type=SignedManifest)
    except OSError as error:
        raise BadBackup(f"{path}: {error.strerror}.") from None
    except msgspec.DecodeError:
        raise BadBackup(f"{path} is no manifest of a backup.") from None
    manifest = signed.manifest
    digest = hashlib.sha256(msgspec.json.encode(manifest)).digest()
    files.check(digest, signed.signature, keys, path)
    if manifest.format != FORMAT or not is_known(manifest.migration):
        raise BadBackup(f"The backup is of a newer release, {manifest.release}.")
    return manifest


def restore(
    directory: Path,
    keys_file: Path | None,
    erased_files: Sequence[Path],
    known: Sequence[Checkpoint],
    base_url: str,
    actor: Actor,
    now: datetime,
    keys: Keyring,
) -> Restore:
    """Puts a backup into the empty store. `erased_files` are lists of the erased that are newer
    than the backup's, `known` are checkpoints of the log that were kept elsewhere.

    Raises: BadBackup, NotEmpty, MisconfiguredError, Unavailable.
    """
    manifest = read_manifest(directory, keys)
    apart = {KEYS: keys_file or directory / KEYS, ERASED: directory / ERASED}
    _check_files(directory, apart, manifest, keys)
    gone = [found for path in erased_files for found in read_erased(path, keys)]
    with unit_of_work() as tx:
        rows_store.take_time(tx)
        if not rows_store.is_empty(tx):
            raise NotEmpty()
        migrate(manifest.migration)
        if manifest.first_entry is not None:
            partitions.make_back_to(manifest.first_entry, now)
        _load(directory, apart, manifest)
        migrate()
        listed.take_in(gone)
        check_keyring(keys)
        _check_log(manifest, known)
        done = mark(manifest.made_at, base_url, actor, now)
    with unit_of_work() as tx:
        rows_store.take_time(tx)
        rows_store.analyse(tx)
    return done


def _check_files(
    directory: Path, apart: dict[str, Path], manifest: Manifest, keys: Keyring
) -> None:
    for what, path in apart.items():
        if files.read_head(path, what, keys).backup != manifest.id:
            raise BadBackup(f"{path} is of another backup.")
    rows = directory / ROWS
    try:
        if sha256_of(rows) != manifest.rows_sha256:
            raise BadBackup(f"{rows} is not as it was written.")
    except OSError as error:
        raise BadBackup(f"{rows}: {error.strerror}.") from None


def _load(directory: Path, apart: dict[str, Path], manifest: Manifest) -> None:
    try:
        with unit_of_work() as tx, ZipFile(directory / ROWS) as archive:
            for name, table in manifest.tables.items():
                lines = _lines(archive, apart, name)
                added = rows_store.write_lines(tx, name, table.columns, lines)
                if added != table.rows and name not in APART:
                    raise BadBackup(f"The backup has not all rows of {name}.")
    except (BadZipFile, KeyError, OSError) as error:
        raise BadBackup(f"{directory / ROWS} cannot be read.") from error


def _lines(archive: ZipFile, apart: dict[str, Path], name: str) -> Iterator[bytes]:
    if name in APART:
        yield from files.read_lines(apart[APART[name]])
        return
    with archive.open(name) as source:
        yield from source


def _check_log(manifest: Manifest, known: Sequence[Checkpoint]) -> None:
    """That what was kept elsewhere of the log is of this one. A log that was longer is the rule."""
    head = renaming.find_head()
    if manifest.log is not None and (head is None or head.size != manifest.log.size):
        raise BadBackup("The backup's log is not as long as its manifest says.")
    for one in known:
        if head is not None and 0 < one.size <= head.size:
            with reading():
                if proofs.root_at(one.size) != one.root:
                    raise BadBackup(f"The checkpoint of {one.size} leaves is of another log.")
