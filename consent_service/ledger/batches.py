"""What is shown of the answers in a batch, and whether they are what its leaf stands for."""

import base64
from collections.abc import Iterator
from uuid import UUID

from consent_service.kernel.errors import NotFound
from consent_service.ledger import batch_store, tree_store
from consent_service.ledger.batch_store import position
from consent_service.ledger.leaves import leaf_of
from consent_service.ledger.merkle import leaf_hash, root_of
from consent_service.ledger.tiles import split
from consent_service.ledger.tree_store import Sayable
from consent_service.storage.unit_of_work import reading


class BadBatch(Exception):
    """A batch that is not what was sealed."""


def get_lines(index: int) -> Iterator[bytes]:
    """The answers that a leaf stands for, a line of JSON each: `index` of the leaf, `answer` from
    0, its `hash`, and `leaf`, what it says, null once its entry is gone. Raises: NotFound where
    the leaf is no batch's."""
    with reading() as tx:
        head = tree_store.find_head(tx)
        there = head is not None and index < head.size
        found = batch_store.list_sealed(tx, index, index + 1) if there else []
    if not found:
        raise NotFound()
    return _lines(*found[0])


def list_lines(lo: int, hi: int) -> Iterator[bytes]:
    """As `get_lines`, of all batches whose leaves are in a range, in order."""
    with reading() as tx:
        found = batch_store.list_sealed(tx, lo, hi)
    for index, batch_id in found:
        yield from _lines(index, batch_id)


def check_batch(batch: Sayable) -> int:
    """Holds a batch's answers against its entry; how many are gone. Raises: BadBatch."""
    with reading() as tx:
        said = _said(tree_store.list_answers(tx, batch.id))
        kept = batch_store.find_batch(tx, batch.id)
    if kept is None:
        raise BadBatch("its answers are missing")
    hashes = split(kept.hashes)
    if not hashes or root_of(hashes) != batch.commitment:
        raise BadBatch("the hashes of its answers were changed")
    if any(at >= len(hashes) for at in said):
        raise BadBatch("it has more answers than were sealed")
    for at, one in enumerate(hashes):
        if at in said and leaf_hash(said[at]) != one:
            raise BadBatch(f"the entry of answer {at} is not what was sealed")
        if at not in said and not kept.gone >> at & 1:
            raise BadBatch(f"the entry of answer {at} is gone, and was not erased")
    return len(hashes) - len(said)


def _lines(index: int, batch_id: UUID) -> Iterator[bytes]:
    with reading() as tx:
        kept = batch_store.find_batch(tx, batch_id)
        said = _said(tree_store.list_answers(tx, batch_id))
    for at, one in enumerate(split(kept.hashes) if kept else []):
        line = (index, at, base64.b64encode(one), said.get(at, b"null"))
        yield b'{"index":%d,"answer":%d,"hash":"%b","leaf":%b}\n' % line


def _said(answers: list[Sayable]) -> dict[int, bytes]:
    """What each answer's leaf would be."""
    return {position(row.batch_id, row.id): leaf_of(row[:-1]) for row in answers}
