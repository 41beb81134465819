"""The log's names. Checkpoints are public within a second, so that nobody can know what was signed
after a backup was made. A log that is put back goes on from what it has under a name that no log
ever had, and no two checkpoints of one name contradict each other. Source: ADR 27.
"""

import math
from datetime import UTC, datetime
from uuid import UUID

from consent_service.crypto.keyring import Keyring
from consent_service.ledger import log_keys, store, tree_store
from consent_service.ledger.notes import Verifier
from consent_service.ledger.proofs import name_of
from consent_service.ledger.tree_store import Head
from consent_service.storage.unit_of_work import reading, unit_of_work

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def go_on_anew(base_url: str, restore_id: UUID, now: datetime) -> int:
    """Lets the log go on under a name that is new; how many leaves it has."""
    origin = f"{name_of(base_url)}/{now:%Y-%m-%d}-{restore_id.hex[-8:]}"
    with unit_of_work() as tx:
        head = tree_store.lock_head(tx)
        if head is None:
            head = Head(name_of(base_url), 0, _BEGINNING)
            tree_store.add_head(tx, head)
        tree_store.rename(tx, head, origin, now)
        return head.size


def list_names(base_url: str) -> list[str]:
    """Every name that the log has or had, the present one first."""
    with reading() as tx:
        head = tree_store.find_head(tx)
        former = [origin for _, origin in tree_store.list_former_names(tx)]
    return [name_of(base_url) if head is None else head.origin, *reversed(former)]


def verifiers_of_all(keys: Keyring, base_url: str) -> list[Verifier]:
    """Our keys under every name of the log."""
    return [v for name in list_names(base_url) for v in log_keys.verifiers(keys, name)]


def list_spans(head: Head) -> list[tuple[float, str]]:
    """What the log was called up to which size."""
    with reading() as tx:
        return [*tree_store.list_former_names(tx), (math.inf, head.origin)]


def find_start() -> int:
    """How many leaves the log had when it got its present name."""
    with reading() as tx:
        return max((size for size, _ in tree_store.list_former_names(tx)), default=0)


def find_newest() -> datetime:
    """When the newest entry was recorded; the beginning of time where there is none."""
    with reading() as tx:
        newest = tree_store.find_newest_entry(tx)
        entries = [] if newest is None else store.list_by_ids(tx, [newest])
    return entries[0].recorded_at if entries else _BEGINNING


def find_head() -> Head | None:
    """Where the log is; None before the first leaf."""
    with reading() as tx:
        return tree_store.find_head(tx)
