"""Taking in what witnesses co-signed."""

from collections.abc import Iterable
from datetime import datetime

from consent_service.ledger import cosignature_store, cosignatures, notes, tree_store
from consent_service.ledger.cosignature_store import Confirmed
from consent_service.ledger.notes import BadNote, Verifier
from consent_service.ledger.tree_store import Kept
from consent_service.storage.unit_of_work import reading, unit_of_work


def record_cosignature(
    kept: Kept, witness: str, cosigner: Verifier, lines: Iterable[str]
) -> datetime:
    """Keeps the line of a witness's key under one of our checkpoints, in the caller's unit of
    work if there is one; when it was made. Raises: BadNote."""
    text, _ = notes.split_note(kept.note)
    found = cosignatures.find_cosignature(text, lines, cosigner)
    if found is None:
        raise BadNote("there is no co-signature of the witness's key")
    new = Confirmed(kept.size, witness, str(cosigner), kept.root, found.line, found.at)
    with unit_of_work() as tx:
        cosignature_store.add(tx, new)
    return found.at


def find_checkpoint(size: int) -> Kept | None:
    """The checkpoint of exactly so many leaves, without the witnesses' lines."""
    with reading() as tx:
        found = tree_store.find_checkpoint(tx, size)
    return found if found is not None and found.size == size else None
