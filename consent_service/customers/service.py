"""Customers, use case by use case. What is here in the clear is sealed before it is stored.

Identifiers are in `identifiers.py`, locks and revisions in `locking.py`, completing in
`completion.py`."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.keyring import Keyring
from consent_service.customers import identifiers_store, key_store, store
from consent_service.customers import keys as data_keys
from consent_service.customers.identifiers import (
    add_identifiers,
    find_by_identifier,
    find_identifier_owners,
    find_owners,
    get_by_identifier,
    list_identifiers,
    reindex_batch,
    replace_identifiers,
    watch_identifiers,
)
from consent_service.customers.key_marks import mark_keys
from consent_service.customers.locking import (
    lock_customers,
    lock_resolved,
    raise_revision,
    raise_revisions,
    resolve,
    resolve_many,
    set_revisions,
)
from consent_service.customers.log import CHANGED, CREATED, log_changes
from consent_service.customers.model import (
    Changes,
    Customer,
    CustomerRecord,
    Facts,
    Identifier,
    IdentifierKnown,
    IdentifierType,
    NewCustomer,
    changed,
    merged_profile,
)
from consent_service.customers.sealing import (
    open_identifier,
    open_profile,
    seal_identifier,
    seal_profile,
)
from consent_service.kernel.actors import SYSTEM, Actor
from consent_service.kernel.errors import NotFound, PreconditionFailed
from consent_service.kernel.ids import CustomerId, customer_id_text, new_customer_id
from consent_service.storage.unit_of_work import reading, unit_of_work

__all__ = [  # with what other rooms know of identifiers and locks, which stand in other files
    "add_identifiers",
    "find_by_identifier",
    "find_identifier_owners",
    "find_owners",
    "get_by_identifier",
    "list_identifiers",
    "lock_customers",
    "lock_resolved",
    "raise_revision",
    "raise_revisions",
    "reindex_batch",
    "resolve",
    "resolve_many",
    "set_revisions",
    "watch_identifiers",
]

FIRST_REVISION = 1


def create_customer(
    new: NewCustomer, now: datetime, keys: Keyring, actor: Actor = SYSTEM
) -> CustomerId:
    """Adds a customer. Raises: IdentifierKnown."""
    with unit_of_work():
        known = find_owners(new.identifiers, keys)
        for owner in known.values():
            raise IdentifierKnown.of(owner)
        return create_customers([new], now, keys, actor)[0]


def create_customers(
    new: Sequence[NewCustomer], now: datetime, keys: Keyring, actor: Actor = SYSTEM
) -> list[CustomerId]:
    """Adds customers whose identifiers nobody has; who they are, in order.

    Raises: IdentifierKnown when one was added by somebody else meanwhile.
    """
    with unit_of_work():
        made = create_opened(new, now, keys)
        log_changes(dict.fromkeys(made, FIRST_REVISION), CREATED, actor, now)
    return list(made)


def create_opened(
    new: Sequence[NewCustomer], now: datetime, keys: Keyring
) -> dict[CustomerId, OpenKeys]:
    """As `create_customers`; with each, in order, the open data keys, for a caller that goes on
    sealing in the same unit of work, and logs what brought them."""
    made: dict[CustomerId, OpenKeys] = {}
    records, wrapped, identifiers = [], [], []
    for customer in new:
        customer_id = new_customer_id()
        opened, kept = data_keys.make_keys(customer_id, keys)
        made[customer_id] = opened
        wrapped += kept
        facts = Facts(customer.jurisdiction, customer.age_band, False, None)
        profile = seal_profile(customer_id, customer.profile, opened.life)
        record = CustomerRecord(
            customer_id, FIRST_REVISION, now, customer.language, profile, facts, os.urandom(16)
        )
        records.append(record)
        identifiers += [
            seal_identifier(customer_id, i, opened.life, now, keys) for i in customer.identifiers
        ]
    with unit_of_work() as tx:
        mark_keys(keys, now)
        key_store.add_keys(tx, wrapped)
        store.add_customers(tx, records)
        add_identifiers(identifiers, [i for c in new for i in c.identifiers], now, keys)
    return made


def get_or_create_owners(
    identifiers: Sequence[Identifier], now: datetime, keys: Keyring
) -> dict[Identifier, CustomerId]:
    """Who has these identifiers. A device that nobody has makes a customer: somebody who chose in
    a widget and is not known otherwise. Raises: NotFound for all else that nobody has."""
    if not identifiers:
        return {}
    with unit_of_work():
        owners = find_owners(identifiers, keys)
        missing = [i for i in identifiers if i not in owners]
        if not missing:
            return owners
        if any(i.type is not IdentifierType.DEVICE for i in missing):
            raise NotFound()
        devices = {i.value: i for i in missing}
        made = create_customers([NewCustomer((i,), {}) for i in devices.values()], now, keys)
    created = dict(zip(devices, made, strict=True))
    return {**owners, **{i: created[i.value] for i in missing}}


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
        stored = identifiers_store.list_identifiers(tx, [record.id])
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


def change_customer(
    customer_id: CustomerId,
    changes: Changes,
    expected: int,
    now: datetime,
    keys: Keyring,
    actor: Actor = SYSTEM,
) -> int:
    """Changes a customer who is still at revision `expected`; the new revision, or the same when
    no change is asked for.

    Raises: NotFound, PreconditionFailed, IdentifierKnown.
    """
    with unit_of_work() as tx:
        resolved, revisions = lock_resolved([customer_id])
        customer_id = resolved[customer_id]
        if revisions[customer_id] != expected:
            raise PreconditionFailed()
        if changes == Changes():
            return expected
        revision = expected + 1
        set_revisions({customer_id: revision})
        customer = get_customer(customer_id, keys)
        life = data_keys.open_keys(customer_id, keys).life
        profile = merged_profile(customer.profile, changes.profile or {})
        language = changed("language", changes.language, changes.cleared, customer.language)
        sealed = seal_profile(customer_id, profile, life)
        store.set_customer(tx, customer_id, language, sealed, now if changes.profile else None)
        facts = replace(
            customer.facts,
            jurisdiction=changed(
                "jurisdiction", changes.jurisdiction, changes.cleared, customer.facts.jurisdiction
            ),
            age_band=changed(
                "age_band", changes.age_band, changes.cleared, customer.facts.age_band
            ),
        )
        if facts != customer.facts:
            store.replace_facts(tx, customer_id, revision, facts, now)
        if changes.identifiers is not None:
            replace_identifiers(customer_id, changes.identifiers, life, now, keys)
        log_changes({customer_id: revision}, CHANGED, actor, now)
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


def find_facts_at(customer_id: CustomerId, at: datetime) -> Facts | None:
    """What decisions would have read at an instant."""
    with reading() as tx:
        return store.find_facts_at(tx, customer_id, at)


def list_sample(keys: Keyring, limit: int) -> list[tuple[str, str]]:
    """Ids and e-mail addresses of some customers, for the demo."""
    with reading() as tx:
        customer_ids = store.list_customers(tx, None, limit)
        stored = identifiers_store.list_identifiers(tx, customer_ids)
    opened = data_keys.open_many(customer_ids, keys)
    found = []
    for kept in stored:
        if kept.type == "email":
            value = open_identifier(kept, opened[kept.customer_id].life).value
            found.append((customer_id_text(kept.customer_id), value))
    return found
