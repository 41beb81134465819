"""Whether what is kept of screenings is what the log committed to."""

import hashlib

import msgspec

from consent_service.ledger import proofs
from consent_service.ledger import service as ledger
from consent_service.ledger.merkle import root_of
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.ledger.verify import Broken
from consent_service.screenings import members, store
from consent_service.screenings.model import Screening
from consent_service.storage.unit_of_work import reading

_AT_ONCE = 200
_SCREENINGS = EntryFilter(kinds=frozenset({EntryKind.SCREENING}))


def verify_screenings() -> int:
    """Holds every screening that is sealed against its entry, and its members against both; how
    many there were. Raises: Broken, for the first that is not what was sealed; Unavailable."""
    count, after = 0, None
    while entries := ledger.list_after(_SCREENINGS, after, _AT_ONCE):
        indexes = proofs.find_indexes(entries)
        for entry in entries:
            if entry.id in indexes:
                _check(entry, indexes[entry.id])
                count += 1
        after = entries[-1].id
    return count


def _check(entry: Entry, index: int) -> None:
    with reading() as tx:
        kept = store.find(tx, entry.id)
    if kept is None:
        raise Broken(index, "its screening is gone")
    if hashlib.sha256(kept.salt + kept.payload).digest() != entry.commitment:
        raise Broken(index, "its screening is not what was sealed")
    if _members_root(kept) != msgspec.json.decode(kept.payload)["members_root"]:
        raise Broken(index, "the members of its screening are not those that were sealed")


def _members_root(kept: Screening) -> str | None:
    hashes = []
    for part in range(len(kept.shard_bits)):
        with reading() as tx:
            shards = store.list_shards(tx, kept.id, part)
        hashes += [members.shard_hash(part, shard, packed) for shard, packed in shards]
    return root_of(hashes).hex() if hashes else None
