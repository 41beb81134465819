"""Replaying the whole log: entries against leaves, leaves against tiles, all of it against what was
signed, and how many entries are gone against how many the log says went. The first fault is named
by the index of its leaf.

Whatever a checkpoint vouches for is right up to its size. Where leaf and tile were changed
together, only the next checkpoint shows it: the fault is then somewhere from the last good
checkpoint on, and named by the first index there. Whoever holds the key can sign a changed log
anew: against what a witness saw only what a witness saw vouches.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from consent_service.kernel.ids import first_uuid_of
from consent_service.ledger import (
    batches,
    cosignature_store,
    cosignatures,
    counting,
    notes,
    tree_store,
)
from consent_service.ledger.batches import BadBatch
from consent_service.ledger.cosignature_store import Confirmed
from consent_service.ledger.counting import Told
from consent_service.ledger.leaves import leaf_of
from consent_service.ledger.merkle import Growing, leaf_hash, root_of
from consent_service.ledger.model import EntryKind
from consent_service.ledger.notes import BadNote, Checkpoint, Verifier
from consent_service.ledger.renaming import list_spans
from consent_service.ledger.sealer import LONGEST_TRANSACTION
from consent_service.ledger.tiles import WIDTH, split
from consent_service.ledger.tree_store import Head, Kept, Sayable
from consent_service.storage.unit_of_work import reading

_PAGE = WIDTH * 8
_STRETCH = 20_000
_by_size = attrgetter("size")


class Broken(Exception):
    """The log is not what it was. `index` is the first leaf that cannot be relied on."""

    def __init__(self, index: int, what: str) -> None:
        self.index = index
        super().__init__(f"leaf {index}: {what}")


@dataclass(slots=True)
class Report:
    """What was found whole."""

    leaves: int = 0
    erased: int = 0  # leaves and answers without an entry: of erased customers, or past retention
    checkpoints: int = 0
    confirmed: int = 0  # co-signatures of witnesses that were compared


@dataclass(frozen=True, slots=True)
class _Known:
    """A checkpoint that the log is held against; by whom it was witnessed, if it was."""

    size: int
    root: bytes
    witness: str = ""


@dataclass(slots=True)
class _Walk:
    """Where the replay is. `vouched` is the size of the last checkpoint that held, `witnessed` of
    the last one that was kept by somebody else; `told` what leaves say of entries that went."""

    report: Report
    tree: Growing
    tiles: dict[int, list[bytes]]
    told: Told
    vouched: int = 0
    witnessed: int = 0
    first_gone: int = 0


def verify_store(
    verifiers: Sequence[Verifier],
    outside: Sequence[Checkpoint],
    now: datetime,
    witnessed: Sequence[Checkpoint] = (),
) -> Report:
    """Replays the log of this store. `outside` are checkpoints that were kept elsewhere,
    `witnessed` such that a witness showed us. Raises: Broken, Unavailable."""
    with reading() as tx:
        head = tree_store.find_head(tx)
    size = 0 if head is None else head.size  # what is sealed meanwhile is for the next time
    walk = _Walk(Report(), Growing(), {}, Told(answers=counting.find_unsaid().answers))
    known = heapq.merge(
        sorted((_Known(c.size, c.root, "a witness") for c in witnessed), key=_by_size),
        () if head is None else _confirmed(list_spans(head), walk),
        sorted((_Known(c.size, c.root) for c in outside), key=_by_size),
        _signed(verifiers, walk),
        key=_by_size,
    )
    ahead = next(known, None)
    for lo in range(0, size, _PAGE):
        for found in _page(lo, min(lo + _PAGE, size)):
            _take(walk, found)
            while ahead is not None and ahead.size == walk.tree.size:
                _check_root(walk, ahead)
                ahead = next(known, None)
    while ahead is not None:
        if ahead.size > _size_now():  # else it was sealed while we looked
            raise Broken(size, f"missing, and a checkpoint of {ahead.size} leaves was signed")
        ahead = next(known, None)
    _check_partial_tiles(walk)
    if head is not None:
        _check_gone(walk, head)
    _check_nothing_waits(size, now)
    walk.report.leaves = size
    return walk.report


def _size_now() -> int:
    with reading() as tx:
        head = tree_store.find_head(tx)
    return 0 if head is None else head.size


def _confirmed(names: Sequence[tuple[float, str]], walk: _Walk) -> Iterator[_Known]:
    """What witnesses co-signed, each as its signature says."""
    after = (0, "")
    while True:
        with reading() as tx:
            page = cosignature_store.list_confirmed(tx, after, _PAGE)
        if not page:
            return
        for one in page:
            origin = next(name for size, name in names if one.size <= size)
            yield _cosigned(origin, one, walk)
            walk.report.confirmed += 1
        after = (page[-1].size, page[-1].witness)


def _cosigned(origin: str, one: Confirmed, walk: _Walk) -> _Known:
    text = str(Checkpoint(origin, one.size, one.root))
    try:
        cosigner = cosignatures.read_cosigner(one.verifier)
        found = cosignatures.find_cosignature(text, [one.line], cosigner)
    except BadNote:
        found = None
    if found is None:
        what = f"what {one.witness} co-signed of {one.size} leaves was changed"
        raise Broken(walk.witnessed, what)
    return _Known(one.size, one.root, one.witness)


def _signed(verifiers: Sequence[Verifier], walk: _Walk) -> Iterator[_Known]:
    """The checkpoints of the store, each as its signature says."""
    after = 0
    while True:
        with reading() as tx:
            page = tree_store.list_checkpoints(tx, after, _PAGE)
        if not page:
            return
        for kept in page:
            yield _opened(kept, verifiers, walk)
            walk.report.checkpoints += 1
        after = page[-1].size


def _opened(kept: Kept, verifiers: Sequence[Verifier], walk: _Walk) -> _Known:
    try:
        found = notes.open_checkpoint(kept.note, verifiers)
    except BadNote as error:
        raise Broken(walk.vouched, f"the checkpoint of {kept.size} leaves: {error}") from None
    if (found.size, found.root) != (kept.size, kept.root):
        raise Broken(walk.vouched, f"the checkpoint of {kept.size} leaves was changed")
    return _Known(kept.size, kept.root)


@dataclass(frozen=True, slots=True)
class _Found:
    index: int
    leaf: bytes
    kept_hash: bytes
    entry_id: UUID | None
    entry: Sayable | None


def _page(lo: int, hi: int) -> Iterator[_Found]:
    with reading() as tx:
        leaves = tree_store.list_leaves(tx, lo, hi)
        ids = [entry_id for _, entry_id, _ in leaves if entry_id is not None]
        entries = tree_store.find_sayable(tx, ids)
        if len(entries) < len(ids):  # some went meanwhile, and with each the id in its leaf
            leaves = tree_store.list_leaves(tx, lo, hi)
        tiles = [tree_store.find_tile(tx, 0, n) for n in range(lo // WIDTH, -(-hi // WIDTH))]
    hashes = [one for tile in tiles for one in split(tile)]
    rows = {index: (entry_id, leaf) for index, entry_id, leaf in leaves}
    for index in range(lo, hi):
        if index not in rows:
            raise Broken(index, "missing")
        entry_id, leaf = rows[index]
        entry = None if entry_id is None else entries.get(entry_id)
        kept = hashes[index - lo] if index - lo < len(hashes) else b""
        yield _Found(index, leaf, kept, entry_id, entry)


def _take(walk: _Walk, found: _Found) -> None:
    hashed = leaf_hash(found.leaf)
    if hashed != found.kept_hash:
        raise Broken(found.index, "its bytes are not what its tile says")
    if found.entry_id is None:
        _note_gone(walk, found.index, 1)
    elif found.entry is None:
        raise Broken(found.index, "its entry is gone, and was not erased")
    elif leaf_of(found.entry) != found.leaf:
        raise Broken(found.index, "its entry is not what was sealed")
    elif found.entry.kind == EntryKind.BATCH:
        _take_batch(walk, found.index, found.entry)
    walk.told += counting.told_by_leaf(found.leaf)
    walk.tree.add(hashed)
    _grow_tiles(walk, hashed)


def _note_gone(walk: _Walk, index: int, count: int) -> None:
    walk.first_gone = walk.first_gone if walk.report.erased or not count else index
    walk.report.erased += count


def _take_batch(walk: _Walk, index: int, batch: Sayable) -> None:
    try:
        _note_gone(walk, index, batches.check_batch(batch))
    except BadBatch as error:
        raise Broken(index, str(error)) from None


def _grow_tiles(walk: _Walk, hashed: bytes) -> None:
    """Makes the upper tiles anew, and compares each with the one kept when it is whole."""
    level = 0
    while True:
        tile = walk.tiles.setdefault(level, [])
        tile.append(hashed)
        if len(tile) < WIDTH:
            return
        if level:
            _check_tile(walk, level, (walk.tree.size >> 8 * (level + 1)) - 1, tile)
        hashed = root_of(tile)
        walk.tiles[level] = []
        level += 1


def _check_tile(walk: _Walk, level: int, n: int, tile: Sequence[bytes]) -> None:
    with reading() as tx:
        kept = split(tree_store.find_tile(tx, level, n))
    if len(tile) < WIDTH and _size_now() > walk.tree.size:
        kept = kept[: len(tile)]  # it grew while we looked
    if kept != list(tile):
        pairs = zip(kept, tile, strict=False)
        same = next((at for at, (one, other) in enumerate(pairs) if one != other), len(kept))
        raise Broken((n * WIDTH + same) << 8 * level, f"the tile {level}/{n} is not of its leaves")


def _check_partial_tiles(walk: _Walk) -> None:
    for level, tile in walk.tiles.items():
        if level and tile:
            _check_tile(walk, level, walk.tree.size >> 8 * (level + 1), tile)


def _check_root(walk: _Walk, known: _Known) -> None:
    of = f"the checkpoint of {known.size}"
    if walk.tree.root() == known.root:
        walk.vouched = known.size
        walk.witnessed = known.size if known.witness else walk.witnessed
    elif known.witness:
        raise Broken(
            walk.witnessed, f"or a later one is not what {known.witness} saw in {of}: a fork"
        )
    else:
        raise Broken(walk.vouched, f"or a later one is not what {of} signed")


def _check_gone(walk: _Walk, head: Head) -> None:
    late = counting.find_late(head)
    gone, said = walk.report.erased, walk.told.entries + late.entries - walk.told.answers
    if gone > said:
        raise Broken(walk.first_gone, f"or a later one lost its entry: {gone} did, {said} went")


def _check_nothing_waits(size: int, now: datetime) -> None:
    """A stretch at a time: over all of a large log no statement comes to an end."""
    until, since = first_uuid_of(now - LONGEST_TRANSACTION), UUID(int=0)
    while since < until:
        with reading() as tx:
            end = tree_store.find_entry_after(tx, since, _STRETCH)
            stretch = until if end is None else min(end, until)
            if tree_store.has_unsealed(tx, since, stretch):
                raise Broken(size, "an entry of more than five minutes ago was never sealed")
        since = stretch
