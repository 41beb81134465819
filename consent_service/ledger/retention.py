"""Letting entries go that are past what is kept of their kind. Their leaves stay, as after an
erasure: the tree and every proof are what they were, and what an entry said is gone.

What goes by is when the entry's id was made, so that a look is a range of ids. Of each kind it is
kept up to which id nothing is left, so that a round never reads again what other kinds keep
longer. Every batch is a unit of work: a worker that is killed has done whole batches, and two
workers do different ones.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from consent_service.kernel.ids import first_uuid_of, time_of
from consent_service.ledger import batch_store, counting, counting_store, partitions
from consent_service.ledger import retention_store as store
from consent_service.ledger.model import EntryKind
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 1_000
_ROUND_S = 0.5  # then it is the sealer's turn, whose checkpoints are due within a second
_STEP = timedelta(hours=1)
_FIRST = UUID(int=0)


def forget(now: datetime, days: Mapping[EntryKind, int]) -> int:
    """Lets sealed entries go that are older than the days kept of their kind, for half a second
    or a batch of each kind; how many went. Call it again and again."""
    started, gone = time.monotonic(), 0
    with reading() as tx:
        before = store.find_kept_from(tx)
    for kind, kept in days.items():
        until = first_uuid_of(now - timedelta(days=kept))
        if not _is_worth_it(before.get(kind, _FIRST), until):
            continue
        if kind is EntryKind.BATCH:  # goes after the last of its answers
            answers = _kept_from(EntryKind.DECISION)
            until = min(until, UUID(int=answers.int - answers.int % batch_store.MOST))
        while True:  # a batch of each kind at least: none is to wait for ever for another
            went = forget_some(kind, until)
            gone += went
            if went < BATCH or time.monotonic() - started > _ROUND_S:
                break
    return gone


def forget_some(kind: EntryKind, until: UUID) -> int:
    """Lets a batch of a kind go, of ids smaller than `until`; how many."""
    if not _is_worth_it(_kept_from(kind), until):
        return 0
    with unit_of_work() as tx:
        store.lock(tx)
        since = _kept_from(kind)
        ids = store.list_sealed(tx, kind, since, until, BATCH)
        answers = store.delete_entries(tx, ids)
        counting_store.add(tx, {kind.value: len(ids), counting.ANSWERS: answers})
        first = store.find_first(tx, kind, since, until)
        store.set_kept_from(tx, kind, max(since, until) if first is None else first)
    return len(ids)


def drop_emptied() -> int:
    """Drops the partitions that retention has emptied; how many."""
    with reading() as tx:
        kept_from = store.find_kept_from(tx)
    return partitions.drop_emptied(min(kept_from.get(kind, _FIRST) for kind in EntryKind))


def _kept_from(kind: EntryKind) -> UUID:
    with reading() as tx:
        return store.find_kept_from(tx).get(kind, _FIRST)


def _is_worth_it(since: UUID, until: UUID) -> bool:
    """Time goes on with every call; an hour's entries are worth a unit of work."""
    return time_of(until) - time_of(since) >= _STEP
