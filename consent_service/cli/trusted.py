"""Reading what somebody kept to check a log by: verifier keys and checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consent_service.kernel.errors import Invalid
from consent_service.ledger import notes
from consent_service.ledger.notes import BadNote, Checkpoint, Verifier


def read_keys(path: Path) -> list[Verifier]:
    """The verifier keys in a file, a line each, at least one. Raises: Invalid."""
    with _told(path):
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [notes.read_verifier(line) for line in lines if line.strip()]
    if not found:
        raise Invalid(f"{path}: there is no verifier key in it.")
    return found


def read_checkpoint(path: Path, trusted: list[Verifier]) -> Checkpoint:
    """The checkpoint in a file, which one of the keys signed. Raises: Invalid."""
    with _told(path):
        return notes.open_checkpoint(path.read_text(encoding="utf-8"), trusted)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise Invalid(f"{path}: is not text.") from None
    except BadNote as error:
        raise Invalid(f"{path}: {error}.") from None
