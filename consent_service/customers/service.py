"""Customers, use case by use case. What is here in the clear is sealed before it is stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from consent_service.crypto import blind_index
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.envelope import SealingKey
from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.customers import key_store, normaliser, store
from consent_service.customers import keys as data_keys
from consent_service.customers.key_marks import check_keyring_once, mark_keys
from consent_service.customers.model import (
    Changes,
    Customer,
    CustomerRecord,
    Facts,
    Identifier,
    IdentifierKnown,
    NewCustomer,
    ProfileValue,
    StoredIdentifier,
)
from consent_service.customers.sealing import (
    open_identifier,
    open_profile,
    open_value,
    probes_of,
    seal_identifier,
    seal_profile,
)
from consent_service.kernel.errors import NotFound, PreconditionFailed
from consent_service.kernel.ids import CustomerId, customer_id_text, new_customer_id
from consent_service.storage.unit_of_work import reading, unit_of_work

FIRST_REVISION = 1

Added = Sequence[tuple[StoredIdentifier, tuple[bytes, ...]]]
Watcher = Callable[[Added, datetime], None]

_watchers: list[Watcher] = []


def watch_identifiers(watcher: Watcher) -> None:
    """Has a higher room told, in the same transaction, of identifiers that were added, each
    with the blind indexes it may be known by. For `app.py` to wire."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def create_customer(new: NewCustomer, now: datetime, keys: Keyring) -> CustomerId:
    """Adds a customer. Raises: IdentifierKnown."""
    with unit_of_work():
        known = find_owners(new.identifiers, keys)
        for owner in known.values():
            raise IdentifierKnown.of(owner)
        return create_customers([new], now, keys)[0]


def create_customers(new: Sequence[NewCustomer], now: datetime, keys: Keyring) -> list[CustomerId]:
    """Adds customers whose identifiers nobody has; who they are, in order.

    Raises: IdentifierKnown when one was added by somebody else meanwhile.
    """
    return list(create_opened(new, now, keys))


def create_opened(
    new: Sequence[NewCustomer], now: datetime, keys: Keyring
) -> dict[CustomerId, OpenKeys]:
    """As `create_customers`; with each, in order, the open data keys, for a caller that goes on
    sealing in the same unit of work."""
    made: dict[CustomerId, OpenKeys] = {}
    records, wrapped, identifiers = [], [], []
    for customer in new:
        customer_id = new_customer_id()
        opened, kept = data_keys.make_keys(customer_id, keys)
        made[customer_id] = opened
        wrapped += kept
        facts = Facts(customer.jurisdiction, customer.age_band, False, None)
        profile = seal_profile(customer_id, customer.profile, opened.life)
        records.append(
            CustomerRecord(customer_id, FIRST_REVISION, now, customer.language, profile, facts)
        )
        identifiers += [
            seal_identifier(customer_id, i, opened.life, now, keys) for i in customer.identifiers
        ]
    with unit_of_work() as tx:
        mark_keys(keys, now)
        key_store.add_keys(tx, wrapped)
        store.add_customers(tx, records)
        add_identifiers(identifiers, [i for c in new for i in c.identifiers], now, keys)
    return made


def find_owners(identifiers: Sequence[Identifier], keys: Keyring) -> dict[Identifier, CustomerId]:
    """Who has which of these identifiers; those nobody has are left out."""
    return {i: owner for i, (owner, _) in find_identifier_owners(identifiers, keys).items()}


def find_identifier_owners(
    identifiers: Sequence[Identifier], keys: Keyring
) -> dict[Identifier, tuple[CustomerId, UUID]]:
    """Who has which of these identifiers, and the id it has there.

    What the blind index finds is opened and compared before it is believed.
    """
    if not identifiers:
        return {}
    check_keyring_once(keys)
    probes = {i: probes_of(i, keys) for i in identifiers}
    with reading() as tx:
        owners = store.find_owners(tx, [d for found in probes.values() for d in found])
        hits = {
            i: owners[digest] for i, found in probes.items() for digest in found if digest in owners
        }
        opened = data_keys.open_many(sorted({owner for owner, _ in hits.values()}), keys)
        kept = store.find_values(tx, [identifier_id for _, identifier_id in hits.values()], opened)
    return {
        i: (owner, identifier_id)
        for i, (owner, identifier_id) in hits.items()
        if (owner, identifier_id) in kept
        and open_value(owner, identifier_id, kept[owner, identifier_id], opened[owner].life)[0]
        == i.value
    }


def find_by_identifier(identifier: Identifier, keys: Keyring) -> CustomerId | None:
    """Who has an identifier."""
    return find_owners([identifier], keys).get(identifier)


def get_by_identifier(identifier: Identifier, keys: Keyring) -> CustomerId:
    """Who has an identifier. Raises: NotFound."""
    found = find_by_identifier(identifier, keys)
    if found is None:
        raise NotFound()
    return found


def resolve(customer_id: CustomerId) -> CustomerId:
    """The customer that an id leads to: itself, or who it was merged into."""
    return resolve_many([customer_id])[customer_id]


def resolve_many(customer_ids: Sequence[CustomerId]) -> dict[CustomerId, CustomerId]:
    """The customers that ids lead to."""
    with reading() as tx:
        kept = store.find_all_kept(tx, customer_ids)
    return {customer_id: kept.get(customer_id, customer_id) for customer_id in customer_ids}


def get_record(customer_id: CustomerId) -> CustomerRecord:
    """A customer as stored, found by any id that leads to it. Raises: NotFound."""
    with reading() as tx:
        record = store.find_customer(tx, resolve(customer_id))
    if record is None:
        raise NotFound()
    return record


def get_customer(customer_id: CustomerId, keys: Keyring) -> Customer:
    """A customer, opened. Raises: NotFound."""
    with reading() as tx:
        record = get_record(customer_id)
        stored = store.list_identifiers(tx, [record.id])
    life = data_keys.open_keys(record.id, keys).life
    return Customer(
        record.id,
        record.revision,
        record.created_at,
        record.language,
        record.facts,
        tuple(open_identifier(i, life) for i in stored),
        open_profile(record.id, record.profile, life),
    )


def lock_customers(customer_ids: Iterable[CustomerId]) -> dict[CustomerId, int]:
    """Locks customers until the unit of work ends; their revisions. Raises: NotFound."""
    wanted = set(customer_ids)
    with unit_of_work() as tx:
        revisions = store.lock_revisions(tx, wanted)
    if len(revisions) != len(wanted):
        raise NotFound()
    return revisions


def set_revisions(revisions: Mapping[CustomerId, int]) -> None:
    """Sets the raised revisions of customers that the caller's unit of work has locked."""
    if revisions:
        with unit_of_work() as tx:
            store.set_revisions(tx, revisions)


def raise_revision(customer_id: CustomerId) -> int:
    """Locks a customer until the unit of work ends and raises their revision; the new one.
    Raises: NotFound."""
    with unit_of_work():
        revision = lock_customers([customer_id])[customer_id] + 1
        set_revisions({customer_id: revision})
    return revision


def change_customer(
    customer_id: CustomerId, changes: Changes, expected: int, now: datetime, keys: Keyring
) -> int:
    """Changes a customer who is still at revision `expected`; the new revision.

    Raises: NotFound, PreconditionFailed, IdentifierKnown.
    """
    with unit_of_work() as tx:
        customer_id = resolve(customer_id)
        revision = raise_revision(customer_id)
        if revision != expected + 1:
            raise PreconditionFailed()
        customer = get_customer(customer_id, keys)
        life = data_keys.open_keys(customer_id, keys).life
        profile = _merged_profile(customer.profile, changes.profile or {})
        language = _changed("language", changes.language, changes.cleared, customer.language)
        sealed = seal_profile(customer_id, profile, life)
        store.set_customer(tx, customer_id, language, sealed)
        facts = replace(
            customer.facts,
            jurisdiction=_changed(
                "jurisdiction", changes.jurisdiction, changes.cleared, customer.facts.jurisdiction
            ),
            age_band=_changed(
                "age_band", changes.age_band, changes.cleared, customer.facts.age_band
            ),
        )
        if facts != customer.facts:
            store.replace_facts(tx, customer_id, revision, facts, now)
        if changes.identifiers is not None:
            _replace_identifiers(customer_id, changes.identifiers, life, now, keys)
    return revision


def change_facts(
    customer_id: CustomerId, revision: int, change: Callable[[Facts], Facts], now: datetime
) -> None:
    """Changes the facts of a customer whom the caller's unit of work has locked at `revision`."""
    with unit_of_work() as tx:
        before = get_record(customer_id).facts
        after = change(before)
        if after != before:
            store.replace_facts(tx, customer_id, revision, after, now)


def set_merged_jurisdiction(
    customer_id: CustomerId, jurisdiction: str | None, now: datetime
) -> None:
    """Sets the jurisdiction that a merge came to. The caller holds the customer's lock."""
    with unit_of_work():
        if get_record(customer_id).facts.jurisdiction != jurisdiction:
            revision = raise_revision(customer_id)
            change_facts(
                customer_id, revision, lambda f: replace(f, jurisdiction=jurisdiction), now
            )


def list_identifiers(customer_id: CustomerId) -> list[StoredIdentifier]:
    """A customer's identifiers, sealed."""
    with reading() as tx:
        return store.list_identifiers(tx, [customer_id])


def find_facts_at(customer_id: CustomerId, at: datetime) -> Facts | None:
    """What decisions would have read at an instant."""
    with reading() as tx:
        return store.find_facts_at(tx, customer_id, at)


def list_sample(keys: Keyring, limit: int) -> list[tuple[str, str]]:
    """Ids and e-mail addresses of some customers, for the demo."""
    with reading() as tx:
        customer_ids = store.list_customers(tx, None, limit)
        stored = store.list_identifiers(tx, customer_ids)
    opened = data_keys.open_many(customer_ids, keys)
    found = []
    for kept in stored:
        if kept.type == "email":
            value = open_identifier(kept, opened[kept.customer_id].life).value
            found.append((customer_id_text(kept.customer_id), value))
    return found


def reindex_batch(keys: Keyring, limit: int) -> int:
    """Gives up to `limit` identifiers the newest blind index; how many it found to do."""
    with unit_of_work() as tx:
        old = store.list_digests_under(tx, keys.newest(KeyUse.INDEX).id, limit)
        opened = data_keys.open_many(sorted({customer for _, customer, _ in old}), keys)
        for digest, customer_id, identifier_id in old:
            kept = store.find_identifier(tx, customer_id, identifier_id)
            if kept is None:
                raise NotFound()
            life = opened[customer_id].life
            value = open_value(customer_id, identifier_id, kept[1], life)[0]
            new = blind_index.index(keys, kept[0], blind_index.sha256_of(value))
            store.replace_digest(tx, digest, new.digest, new.key_id, customer_id, identifier_id)
    return len(old)


def add_identifiers(
    stored: Sequence[StoredIdentifier], plain: Sequence[Identifier], now: datetime, keys: Keyring
) -> None:
    """Adds sealed identifiers, and tells the watchers. Raises: IdentifierKnown."""
    if not stored:
        return
    with unit_of_work() as tx:
        if not store.add_identifiers(tx, stored, normaliser.VERSION):
            owners = find_owners(plain, keys)
            for owner in owners.values():
                raise IdentifierKnown.of(owner)
            raise IdentifierKnown()
        for watcher in _watchers:
            watcher([(s, probes_of(i, keys)) for s, i in zip(stored, plain, strict=True)], now)


def _replace_identifiers(
    customer_id: CustomerId,
    wanted: Sequence[Identifier],
    life: SealingKey,
    now: datetime,
    keys: Keyring,
) -> None:
    with unit_of_work() as tx:
        kept = {(i.type, open_identifier(i, life).value): i for i in list_identifiers(customer_id)}
        names = {(i.type, i.value) for i in wanted}
        gone = [i.id for name, i in kept.items() if name not in names]
        store.delete_identifiers(tx, customer_id, gone)
        fresh = [i for i in wanted if (i.type, i.value) not in kept]
        add_identifiers(
            [seal_identifier(customer_id, i, life, now, keys) for i in fresh], fresh, now, keys
        )


def _merged_profile(
    have: Mapping[str, ProfileValue], changes: Mapping[str, ProfileValue | None]
) -> dict[str, ProfileValue]:
    merged = {**have, **changes}
    return {name: value for name, value in merged.items() if value is not None}


T = TypeVar("T")


def _changed(name: str, given: T | None, cleared: frozenset[str], before: T | None) -> T | None:
    return None if name in cleared else given if given is not None else before
