"""Sealing: entries become leaves of the tree, and the tree is signed.

One transaction takes what is committed and has no leaf, adds leaves, grows tiles, signs, and moves
the head, which it holds meanwhile: two sealers wait for each other, and one that is killed at any
step leaves the log as it was. What is signed is seen by nobody before it is committed, so there
is never a checkpoint that another one contradicts.

Entries are committed in another order than their ids, so that "after the last one" would miss
some. Each round looks at the last two seconds, and one in a while at ten: to walk by what has its
leaf costs the store 4 µs an entry. Now and then a sweep, of as many rounds as it takes, looks at
all since the time before which nothing is left, and moves that time on, to where no transaction
could still add any when it began.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.keyring import Keyring
from consent_service.kernel.ids import first_uuid_of, time_of
from consent_service.ledger import log_keys, notes, tree_store
from consent_service.ledger.leaves import leaf_of
from consent_service.ledger.merkle import HASH_BYTES, leaf_hash, root_of
from consent_service.ledger.model import CHANGES
from consent_service.ledger.notes import Checkpoint
from consent_service.ledger.proofs import name_of, root_at
from consent_service.ledger.tiles import WIDTH, split
from consent_service.ledger.tree_store import Head, Kept, Sayable
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 5_000
LONGEST_TRANSACTION = timedelta(minutes=5)
_BEHIND = LONGEST_TRANSACTION + timedelta(minutes=1)
_RECENT, _EARLIER = timedelta(seconds=2), timedelta(seconds=10)
_EARLIER_EVERY_S = 0.6  # a second after its commit what took long has its leaf, too
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SWEEP_SHARE = 20  # of the time, at most one part in so many goes to sweeps


class _Look(Struct, frozen=True):
    """Where a round looks: at ids from `since` on. A sweep has an `until`: once it has come to its
    end, nothing is left of the time before."""

    since: UUID
    until: datetime | None = None


class Sealer:
    """A sealer of one process. Any number may run."""

    def __init__(self, base_url: str) -> None:
        self._origin = name_of(base_url)
        self._sweep_at = self._earlier_at = 0.0
        self._next: tuple[int, _Look] | None = None

    def run(self, keys: Keyring, now: datetime) -> int:
        """Seals what there is to seal, a batch at most; how many leaves came to be."""
        started = time.monotonic()
        sweeping = started >= self._sweep_at
        with reading() as tx:
            newest = tree_store.find_newest_entry(tx)
            if newest is None:
                return 0
            present = min(now, time_of(newest))  # a clock that is ahead must not pass entries by
            head = tree_store.find_head(tx)
            look = self._sweep(head, present) if sweeping else self._recent(present, started)
            found = tree_store.list_unsealed(tx, look.since, 1)
        if found:
            look = _Look(found[0].id, look.until)  # what is before need not be walked through again
        behind = sweeping and head is not None and head.sealed_until < present - _BEHIND
        sealed = self._seal(look, keys, now) if found or behind else 0
        if sweeping and sealed < BATCH:
            ended = time.monotonic()
            self._sweep_at = ended + _SWEEP_SHARE * (ended - started)
        return sealed

    def _sweep(self, head: Head | None, present: datetime) -> _Look:
        """Goes on where a full batch ended, so that a backlog is not walked through anew for each
        batch; unless the log is not as this sealer left it."""
        if self._next is not None and head is not None and self._next[0] == head.size:
            return self._next[1]
        since = UUID(int=0) if head is None else first_uuid_of(head.sealed_until)
        return _Look(since, present - LONGEST_TRANSACTION)

    def _recent(self, present: datetime, started: float) -> _Look:
        far = started >= self._earlier_at
        if far:
            self._earlier_at = started + _EARLIER_EVERY_S
        return _Look(first_uuid_of(present - (_EARLIER if far else _RECENT)))

    def _seal(self, look: _Look, keys: Keyring, now: datetime) -> int:
        with unit_of_work() as tx:
            head = tree_store.lock_head(tx)
            if head is None:
                head = Head(self._origin, 0, _BEGINNING)
                tree_store.add_head(tx, head)
            entries = tree_store.list_unsealed(tx, look.since, BATCH)
            size, until = head.size + len(entries), _sealed_until(head, look, entries)
            if entries:
                _grow(head, entries, keys, now)
            if entries or until != head.sealed_until:
                tree_store.set_head(tx, size, until)
        full = len(entries) == BATCH
        self._next = (size, _Look(entries[-1].id, look.until)) if full and look.until else None
        return len(entries)


def _sealed_until(head: Head, look: _Look, entries: Sequence[Sayable]) -> datetime:
    """Until when nothing is left, now that these are sealed."""
    if look.until is None:
        return head.sealed_until
    swept = look.until if len(entries) < BATCH else min(look.until, time_of(entries[-1].id))
    return max(head.sealed_until, swept)


def _grow(head: Head, entries: Sequence[Sayable], keys: Keyring, now: datetime) -> None:
    with unit_of_work() as tx:
        leaves = [(each.id, leaf_of(each), each.kind in CHANGES) for each in _in_order(entries)]
        tree_store.add_leaves(tx, head.size, leaves)
        _grow_tiles(head.size, [leaf_hash(leaf) for _, leaf, _ in leaves])
        size = head.size + len(leaves)
        root = root_at(size)
        text = str(Checkpoint(head.origin, size, root))
        note = notes.sign(text, head.origin, log_keys.private_keys(keys))
        tree_store.add_checkpoint(tx, Kept(size, root, note), now)


def _in_order(entries: Sequence[Sayable]) -> Sequence[Sayable]:
    """Entries by id, but those that changed one customer by revision: ids that were made in one
    millisecond, or by two clocks, say nothing of which change came first."""
    places: dict[UUID, list[int]] = {}
    for at, entry in enumerate(entries):
        if entry.revision is not None:
            places.setdefault(entry.customer_id, []).append(at)
    found = list(entries)
    for theirs in places.values():
        by_revision = sorted((entries[at] for at in theirs), key=lambda each: each.revision)
        for at, entry in zip(theirs, by_revision, strict=True):
            found[at] = entry
    return found


def _grow_tiles(size: int, hashes: list[bytes]) -> None:
    """Adds hashes to the tiles of a level, and what thereby becomes whole to the next one."""
    level = 0
    with unit_of_work() as tx:
        while hashes:
            n, whole = size // WIDTH, []
            before = tree_store.find_tile(tx, level, n) if size % WIDTH else b""
            while hashes:
                room = WIDTH - len(before) // HASH_BYTES
                tile = before + b"".join(hashes[:room])
                tree_store.put_tile(tx, level, n, before, tile)
                del hashes[:room]
                if len(tile) == WIDTH * HASH_BYTES:
                    whole.append(root_of(split(tile)))
                n, before = n + 1, b""
            hashes, size, level = whole, size // WIDTH, level + 1
