"""A witness that is a directory: somebody else's disk, mounted here. One file a checkpoint."""

import os
from pathlib import Path

from consent_service.ledger import notes
from consent_service.ledger.notes import BadNote
from consent_service.ledger.tree_store import Kept
from consent_service.witnesses.model import Fork, NotSent


def put_checkpoint(directory: Path, kept: Kept) -> None:
    """Writes `checkpoint-<size>`, whole or not at all, and durable when this returns. One that is
    there is never changed. Raises: Fork when it is of another tree, NotSent."""
    file = directory / f"checkpoint-{kept.size}"
    try:
        if file.exists():
            _compare(file, kept)
        else:
            _write(file, kept.note)
    except FileNotFoundError:
        raise NotSent("there is no such directory: is it mounted?") from None
    except OSError as error:
        raise NotSent(f"it cannot be written to: {error.strerror}") from None


def _compare(file: Path, kept: Kept) -> None:
    try:
        text, _ = notes.split_note(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, BadNote):
        raise NotSent(f"its file {file.name} is no checkpoint") from None
    if not kept.note.startswith(text + "\n"):
        raise Fork(f"its checkpoint of {kept.size} leaves is of another log")


def _write(file: Path, note: str) -> None:
    part = file.with_name(file.name + ".part")  # what a crash left of it is begun anew
    with part.open("wb") as target:
        target.write(note.encode())
        target.flush()
        os.fchmod(target.fileno(), 0o644)  # a checkpoint is for everybody
        os.fsync(target.fileno())
    part.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
