"""What the log shows of its tree: checkpoints, tiles, entries and proofs."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from msgspec.structs import replace

from consent_service.kernel.errors import Invalid, NotFound
from consent_service.ledger import cosignature_store, notes, tree_store
from consent_service.ledger.merkle import (
    HASH_BYTES,
    Range,
    consistency_ranges,
    inclusion_ranges,
    range_root,
    whole_parts,
)
from consent_service.ledger.model import Entry
from consent_service.ledger.tiles import WIDTH, node_in
from consent_service.ledger.tree_store import Kept
from consent_service.storage.unit_of_work import reading

_MOST_WITNESSES = 32  # lines on one note: whoever reads notes takes so many and no more


def origin_of(base_url: str) -> str:
    """The log's name: the one it was given with the first leaf, else what it will be."""
    with reading() as tx:
        head = tree_store.find_head(tx)
    return name_of(base_url) if head is None else head.origin


def name_of(base_url: str) -> str:
    """What a log of that address is called: the address, without the scheme."""
    where = urlsplit(base_url)
    return f"{where.netloc}{where.path.rstrip('/')}/v1/log"


def get_checkpoint(*, witnessed: bool = False) -> Kept:
    """The newest checkpoint, or the newest that a witness co-signed, with the witnesses' lines.
    Raises: NotFound."""
    with reading() as tx:
        find = cosignature_store.find_newest if witnessed else tree_store.find_checkpoint
        found = find(tx)
        if found is None:
            raise NotFound()
        lines = cosignature_store.list_lines(tx, found, _MOST_WITNESSES)
    return replace(found, note=found.note + "".join(line + "\n" for line in lines))


def get_tile(level: int, n: int, width: int) -> bytes:
    """The first `width` hashes of a tile. Raises: NotFound when it has not as many."""
    with reading() as tx:
        hashes = tree_store.find_tile(tx, level, n)[: width * HASH_BYTES]
    if len(hashes) < width * HASH_BYTES:
        raise NotFound()
    return hashes


def get_bundle(n: int, width: int) -> bytes:
    """The leaves of a tile, each after its length in two bytes. Raises: NotFound."""
    lo = n * WIDTH
    with reading() as tx:
        leaves = tree_store.list_leaves(tx, lo, lo + width)
    if len(leaves) < width:
        raise NotFound()
    return b"".join(len(leaf).to_bytes(2) + leaf for _, _, leaf in leaves)


def prove_inclusion(index: int, size: int) -> list[bytes]:
    """The proof that a leaf is in the tree of a size. Raises: Invalid."""
    _check_size("/size", size)
    if not 0 <= index < size:
        raise Invalid.at("/index", "out_of_range", "A leaf of that tree.")
    return _roots(inclusion_ranges(index, size))


def prove_consistency(first: int, second: int) -> list[bytes]:
    """The proof that the tree of a size grew into another one. Raises: Invalid."""
    _check_size("/second", second)
    if not 0 < first <= second:
        raise Invalid.at("/first", "out_of_range", "1 to the size of the second tree.")
    return _roots(consistency_ranges(first, second))


def write_receipt(index: int) -> str:
    """A receipt of a leaf, under the newest checkpoint. Raises: NotFound."""
    checkpoint = get_checkpoint()
    if not 0 <= index < checkpoint.size:
        raise NotFound()
    hashes = _roots(inclusion_ranges(index, checkpoint.size))
    return notes.write_proof(index, hashes, checkpoint.note)


def find_indexes(entries: Sequence[Entry]) -> dict[UUID, int]:
    """Which leaf stands for which entry, by its id; those not sealed yet are left out."""
    with reading() as tx:
        leaves = tree_store.find_indexes(tx, list({entry.sealed_as for entry in entries}))
    return {e.id: leaves[e.sealed_as] for e in entries if e.sealed_as in leaves}


def _check_size(pointer: str, size: int) -> None:
    with reading() as tx:
        head = tree_store.find_head(tx)
    if not 0 < size <= (0 if head is None else head.size):
        raise Invalid.at(pointer, "out_of_range", "1 to the size of the newest checkpoint.")


def _roots(ranges: Iterable[Range]) -> list[bytes]:
    seen: dict[tuple[int, int], bytes] = {}
    with reading() as tx:

        def tile(level: int, n: int) -> bytes:
            if (level, n) not in seen:
                seen[level, n] = tree_store.find_tile(tx, level, n)
            return seen[level, n]

        return [
            range_root(lo, hi, lambda level, index: node_in(tile, level, index))
            for lo, hi in ranges
        ]


def list_parts(size: int) -> list[bytes]:
    """The roots of the whole parts of the tree as it was at a size, the largest first."""
    parts = whole_parts(0, size)
    return _roots([(index << level, (index + 1) << level) for level, index in parts])


def root_at(size: int) -> bytes:
    """The root of the tree as it was at a size, at least one."""
    return _roots([(0, size)])[0]
