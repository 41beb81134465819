"""A log with entries in it, sealed and looked at."""

from datetime import timedelta
from random import getrandbits
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import func, select

from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import first_uuid_of, new_uuid, new_uuids
from consent_service.ledger import notes, renaming, service, store, tree_store
from consent_service.ledger.model import Answer, Entry, EntryFilter, EntryKind
from consent_service.ledger.sealer import Sealer
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.ledger.verify import verify_store
from consent_service.storage.unit_of_work import reading
from consent_service.web.runtime import keys

ORIGIN = "127.0.0.1:8000/v1/log"


def an_entry(entry_id=None, kind=EntryKind.DECISION, at=None, **parts):
    """An entry about nobody known."""
    entry_id = entry_id or new_uuid()
    now = utc_now()
    return service.bare_entry(Entry(entry_id, entry_id, False, kind, at or now, now, **parts))


def id_of(instant):
    """An id that was made at an instant."""
    return UUID(int=first_uuid_of(instant).int | getrandbits(76))


def append(count=1, **parts):
    """Appends so many entries; their ids."""
    entries = [an_entry(**parts) for _ in range(count)]
    service.append(entries)
    return [entry.id for entry in entries]


def say_erased(count):
    """What an erasure says of how many entries it took."""
    append(kind=EntryKind.ERASURE, entries=count)


def append_batch(count=5, **parts):
    """Appends so many answers that have one leaf; the batch's id, and theirs."""
    batch_id, *ids = new_uuids(1 + count)
    said = [replace(an_entry(one, **parts), batch_id=batch_id) for one in ids]
    answers = [Answer(each, each.id, each.place, each.token) for each in said]
    service.append_batch(an_entry(batch_id, EntryKind.BATCH), answers)
    return batch_id, ids


def seal(sealer=None, now=None):
    """Seals until nothing is left; how many leaves came to be."""
    sealer, total = sealer or Sealer("http://127.0.0.1:8000"), 0
    while True:
        done = sealer.run(keys(), now or utc_now())
        total += done
        if not done:
            return total


def verifiers():
    return renaming.verifiers_of_all(keys(), "http://127.0.0.1:8000")


def newest():
    """The newest checkpoint, opened."""
    with reading() as tx:
        return notes.open_checkpoint(tree_store.find_checkpoint(tx).note, verifiers())


def verify(*outside, after=timedelta(0)):
    return verify_store(verifiers(), outside, utc_now() + after)


def has_checkpoint():
    with reading() as tx:
        return tree_store.find_checkpoint(tx) is not None


def verify_witnessed(*shown):
    return verify_store(verifiers(), (), utc_now(), shown)


def ids_left():
    """The ids of all entries there are, in order, but for those that count what was let go."""
    with reading() as tx:
        found = store.list_entries(tx, EntryFilter(), None, 100_000)
    return [e.id for e in found if not (e.reason or "").startswith(service.RETENTION)]


def count():
    """How many entries there are."""
    with reading() as tx:
        return tx.scalar(select(func.count()).select_from(LedgerEntryRow))
