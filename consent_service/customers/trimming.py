"""Letting fields of profiles go. Which, is said by `profile_retention`."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import store, trimming_store
from consent_service.customers.log import CHANGED, log_changes
from consent_service.customers.model import Life
from consent_service.customers.sealing import open_profile, seal_profile
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work


def list_after(after: CustomerId | None, limit: int) -> list[Life]:
    """Customers in order of id, after one."""
    with reading() as tx:
        return trimming_store.list_after(tx, after, limit)


def lock(customer_ids: Collection[CustomerId]) -> list[Life]:
    """Locks those of these customers who are there until the unit of work ends, and tells of them
    as they are then."""
    with unit_of_work() as tx:
        return trimming_store.list_of(tx, store.lock_revisions(tx, customer_ids))


def is_without(life: Life, fields: frozenset[str]) -> bool:
    """Whether a profile was found to be without fields, and has not changed since."""
    return life.trimmed_for == _mark(life, fields)


def remove_fields(
    fields: Mapping[CustomerId, frozenset[str]],
    lives: Mapping[CustomerId, Life],
    now: datetime,
    keys: Keyring,
) -> Counter[str]:
    """Removes fields of customers whom the caller's unit of work has locked; how many of each.
    Whoever has none of theirs is not changed, and noted, so as not to be opened again."""
    gone: Counter[str] = Counter()
    with unit_of_work() as tx:
        opened = data_keys.open_many(list(fields), keys)
        revisions = store.lock_revisions(tx, fields)
        sealed = {}
        for customer, kept in store.list_profiles(tx, list(fields)).items():
            profile = open_profile(customer, kept, opened[customer].life)
            past = fields[customer] & profile.keys()
            if past:
                left = {name: value for name, value in profile.items() if name not in past}
                sealed[customer] = seal_profile(customer, left, opened[customer].life)
                gone.update(past)
        store.set_profiles(tx, sealed)
        raised = {customer: revisions[customer] + 1 for customer in sealed}
        store.set_revisions(tx, raised)
        log_changes(raised, CHANGED, SYSTEM, now)
        marks = {customer: _mark(lives[customer], fields[customer]) for customer in fields}
        trimming_store.set_trimmed(tx, marks)
    return gone


def _mark(life: Life, fields: frozenset[str]) -> bytes:
    said = " ".join([life.since.isoformat(), *sorted(fields)])
    return hashlib.sha256(said.encode()).digest()[:16]
