"""Sealing: entries become leaves of the tree, and the tree is signed.

One transaction takes what is committed and has no leaf, adds leaves, grows tiles, signs, and moves
the head, which it holds meanwhile: two sealers wait for each other, and one that is killed at any
step leaves the log as it was. What is signed is seen by nobody before it is committed, so there
is never a checkpoint that another one contradicts.

Entries are committed in another order than their ids, so that "after the last one" would miss
some. Each round has the store give the ids of the last second, and one in a while of ten; what this
sealer gave leaves to in that time it remembers, so that the store need look for the leaves of the
others alone. Now and then a sweep, which trusts no memory, sets all since the time before which
nothing is left against the leaves, a stretch a round, and moves that time on, to where no
transaction could still add any when it began.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from consent_service.crypto.keyring import Keyring
from consent_service.kernel.ids import first_uuid_of, time_of
from consent_service.ledger import log_keys, notes, tree_store, unsealed_store
from consent_service.ledger.growing import grow
from consent_service.ledger.leaves import leaf_of
from consent_service.ledger.merkle import leaf_hash
from consent_service.ledger.model import CHANGES
from consent_service.ledger.notes import Checkpoint
from consent_service.ledger.proofs import name_of
from consent_service.ledger.remembered import Remembered, unpacked
from consent_service.ledger.tree_store import Head, Kept, NewLeaf, Sayable
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 5_000
LONGEST_TRANSACTION = timedelta(minutes=5)
_RECENT, _EARLIER = timedelta(seconds=1), timedelta(seconds=10)
_EARLIER_EVERY_S = 0.6  # a second after its commit what took long has its leaf, too
_BEGINNING, _FIRST = datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)
_MANY = 1_000  # that it does not know: another sealer has sealed them, or there is a backlog
_STRETCH = 20_000  # entries of a sweep that one round walks by: a checkpoint is due every second
_SWEEP_SHARE = 75  # of the time, at most one part in so many goes to sweeps
_SWEEP_PAUSE_S = 5.0
_AT_ONCE = timedelta(minutes=1)  # by how much the head is moved on where nothing was to seal


class _Sweep(Struct, frozen=True):
    """How far a sweep is: what is left of a stretch, or where the next one begins. Once it has come
    to its end, nothing is left of the time before `until`."""

    until: datetime
    since: UUID | None
    waiting: Sequence[bytes] = ()

    @property
    def left(self) -> UUID | None:
        """Where it is to go on; None at its end."""
        return UUID(bytes=self.waiting[0]) if self.waiting else self.since


class _Look(Struct, frozen=True):
    """What a round is to seal: what may have no leaf, at most a batch. Of a sweep with where the
    sweep is, once that is sealed."""

    ids: Sequence[bytes]
    after: _Sweep | None = None

    def sealed_until(self, before: datetime) -> datetime:
        """Until when nothing is left, now that these are sealed."""
        if self.after is None:
            return before
        left, until = self.after.left, self.after.until
        return max(before, until if left is None else min(until, time_of(left)))

    def is_ahead(self, head: Head | None) -> bool:
        """Whether the head is to move on although nothing is left to seal."""
        if head is None:
            return False
        return self.sealed_until(head.sealed_until) >= head.sealed_until + _AT_ONCE


class Sealer:
    """A sealer of one process. Any number may run."""

    def __init__(self, base_url: str) -> None:
        self._origin = name_of(base_url)
        self._sweep_at = self._earlier_at = 0.0
        self._sweep: _Sweep | None = None
        self._size = 0
        self._sealed = Remembered()
        self._newest: tuple[UUID, float] | None = None

    def run(self, keys: Keyring, now: datetime) -> int:
        """Seals what there is to seal, a batch or two at most; how many leaves came to be. After a
        whole batch there may be more."""
        sealed, started = 0, time.monotonic()
        if started >= self._sweep_at:
            sealed = self._round(self._go_on, keys, now)
            if not sealed or self._sweep is None:  # a backlog waits for no pause
                ended = time.monotonic()
                pause = _SWEEP_SHARE * (ended - started)
                self._sweep_at = ended + (pause if self._sweep else max(pause, _SWEEP_PAUSE_S))
            if self._sweep is None or sealed == BATCH:
                return sealed
        return sealed + self._round(self._recent, keys, now)

    def _round(
        self,
        look_at: Callable[[Connection, Head | None, datetime], _Look],
        keys: Keyring,
        now: datetime,
    ) -> int:
        with direct() as door:
            newest, head = tree_store.find_ends(door)
        if newest is None:
            return 0
        present = self._present(newest, now)
        self._forget(_size_of(head), present)
        with reading() as tx:
            look = look_at(tx, head, present)
            entries = unsealed_store.list_unsealed(tx, look.ids)
        sealed = self._seal(look, head, entries, keys, now) if entries or look.is_ahead(head) else 0
        if look.after is not None:
            self._sweep = None if look.after.left is None else look.after
        return sealed

    def _present(self, newest: UUID, now: datetime) -> datetime:
        """What time it is, by this clock or by the newest entry's and how long it has been that,
        whichever is behind: a clock that is ahead must not pass entries by."""
        seen = time.monotonic()
        if self._newest is None or self._newest[0] != newest:
            self._newest = newest, seen
        return min(now, time_of(newest) + timedelta(seconds=seen - self._newest[1]))

    def _forget(self, size: int, present: datetime) -> None:
        """What was long ago; and all, of a log that is not as far as this sealer left it."""
        if size < self._size:
            self._sealed, self._sweep = Remembered(), None
        self._size = size
        self._sealed.forget_before(first_uuid_of(present - _EARLIER))

    def _go_on(self, tx: Connection, head: Head | None, present: datetime) -> _Look:
        """A stretch of a sweep, or what is left of it."""
        sweep = self._sweep
        if sweep is None:
            first = _FIRST if head is None else first_uuid_of(head.sealed_until)
            sweep = _Sweep(present - LONGEST_TRANSACTION, first)
        if not sweep.waiting:
            assert sweep.since is not None
            sweep = _stretch(tx, sweep.since, sweep.until)
        ids = sweep.waiting[:BATCH]
        return _Look(ids, replace(sweep, waiting=sweep.waiting[BATCH:]))

    def _recent(self, tx: Connection, _: Head | None, present: datetime) -> _Look:
        started = time.monotonic()
        far = started >= self._earlier_at
        if far:
            self._earlier_at = started + _EARLIER_EVERY_S
        since = first_uuid_of(present - (_EARLIER if far else _RECENT))
        ids = self._sealed.without(unsealed_store.pack_ids(tx, since))
        if len(ids) > _MANY:
            sealed = _sealed_among(tx, ids)
            self._sealed.add(sealed)
            ids = [one for one in ids if one not in sealed]
        if len(ids) > BATCH:
            self._earlier_at = started  # the next round looks as far
        return _Look(ids[:BATCH])

    def _seal(
        self,
        look: _Look,
        seen: Head | None,
        entries: Sequence[Sayable],
        keys: Keyring,
        now: datetime,
    ) -> int:
        """Seals what had no leaf when the head was seen, which was before. What has none is deleted
        by nobody, so that it is as it was, unless the head has moved."""
        leaves = _leaves_of(entries)
        with unit_of_work() as tx:
            head = tree_store.lock_head(tx) or _begin(self._origin)
            if head.size != _size_of(seen):
                leaves = _leaves_of(unsealed_store.list_unsealed(tx, look.ids))
            size, until = head.size + len(leaves), look.sealed_until(head.sealed_until)
            if leaves:
                _grow(head, leaves, keys, now)
            if leaves or until != head.sealed_until:
                with direct() as door:
                    tree_store.set_head(door, size, until)
        self._sealed.add(entry_id.int.to_bytes(16) for entry_id, _, _ in leaves)
        self._size = size
        return len(leaves)


def _stretch(tx: Connection, since: UUID, until: datetime) -> _Sweep:
    """A sweep at a stretch that begins with an id: what has no leaf there, by id."""
    ids = sorted(unpacked(unsealed_store.pack_ids(tx, since, _STRETCH)))
    if not ids:
        return _Sweep(until, None)
    sealed = _sealed_among(tx, ids)
    waiting = [one for one in ids if one not in sealed] if len(sealed) < len(ids) else ()
    after = UUID(int=int.from_bytes(ids[-1]) + 1) if len(ids) == _STRETCH else None
    return _Sweep(until, after, waiting)


def _sealed_among(tx: Connection, ids: Sequence[bytes]) -> set[bytes]:
    """Those of many ids, in order, that have a leaf."""
    first, last = UUID(bytes=ids[0]), UUID(bytes=ids[-1])
    return set(ids).intersection(unpacked(unsealed_store.pack_sealed_ids(tx, first, last)))


def _begin(origin: str) -> Head:
    head = Head(origin, 0, _BEGINNING)
    with unit_of_work() as tx:
        tree_store.add_head(tx, head)
    return head


def _size_of(head: Head | None) -> int:
    return 0 if head is None else head.size


def _leaves_of(entries: Sequence[Sayable]) -> list[NewLeaf]:
    return [(each.id, leaf_of(each), each.kind in CHANGES) for each in _in_order(entries)]


def _grow(head: Head, leaves: Sequence[NewLeaf], keys: Keyring, now: datetime) -> None:
    with unit_of_work() as tx:
        tree_store.add_leaves(tx, head.size, leaves)
    root = grow(head.size, [leaf_hash(leaf) for _, leaf, _ in leaves])
    size = head.size + len(leaves)
    text = str(Checkpoint(head.origin, size, root))
    note = notes.sign(text, head.origin, log_keys.private_keys(keys))
    with direct() as door:
        tree_store.add_checkpoint(door, Kept(size, root, note), now)


def _in_order(entries: Sequence[Sayable]) -> Sequence[Sayable]:
    """Entries by id, but those that changed one customer by revision: ids that were made in one
    millisecond, or by two clocks, say nothing of which change came first."""
    places: dict[object, list[int]] = {}
    for at, entry in enumerate(entries):
        if entry.revision is not None:
            places.setdefault(entry.place, []).append(at)
    found = list(entries)
    for theirs in places.values():
        by_revision = sorted((entries[at] for at in theirs), key=lambda each: each.revision)
        for at, entry in zip(theirs, by_revision, strict=True):
            found[at] = entry
    return found
