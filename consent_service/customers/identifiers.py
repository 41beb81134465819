"""Identifiers: who has which, adding and replacing them. What is here in the clear is sealed
before it is stored."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from consent_service.crypto import blind_index
from consent_service.crypto.envelope import Sealed, SealingKey
from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.customers import identifiers_store, normaliser
from consent_service.customers import keys as data_keys
from consent_service.customers.key_marks import check_keyring_once
from consent_service.customers.model import (
    Identifier,
    IdentifierKnown,
    IdentifierType,
    Named,
    StoredIdentifier,
)
from consent_service.customers.sealing import (
    is_value_of,
    open_identifier,
    open_value,
    probes_of,
    probes_of_stored,
    seal_identifier,
)
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.storage.locks import hold
from consent_service.storage.unit_of_work import reading, unit_of_work

N = TypeVar("N", bound=Named)
Added = Sequence[tuple[StoredIdentifier, tuple[bytes, ...]]]
Watcher = Callable[[Added, datetime], None]

_watchers: list[Watcher] = []


def watch_identifiers(watcher: Watcher) -> None:
    """Has a higher room told, in the same transaction, of identifiers that were added, each
    with the blind indexes it may be known by. For `app.py` to wire."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def find_owners(identifiers: Sequence[Identifier], keys: Keyring) -> dict[Identifier, CustomerId]:
    """Who has which of these identifiers; those nobody has are left out."""
    return {i: owner for i, (owner, _) in find_identifier_owners(identifiers, keys).items()}


def find_identifier_owners(
    identifiers: Sequence[N], keys: Keyring
) -> dict[N, tuple[CustomerId, UUID]]:
    """Who has which of these identifiers, and the id it has there.

    What the blind index finds is opened and compared before it is believed.
    """
    if not identifiers:
        return {}
    check_keyring_once(keys)
    probes = [(i, probes_of(i, keys)) for i in identifiers]
    with reading() as tx:
        owners = identifiers_store.find_owners(tx, [d for _, found in probes for d in found])
        if not owners:
            return {}
        hits = {i: owners[digest] for i, found in probes for digest in found if digest in owners}
        opened = data_keys.open_found(sorted({owner for owner, _ in hits.values()}), keys)
        kept = identifiers_store.find_values(
            tx, [identifier_id for _, identifier_id in hits.values()], opened
        )
    return {
        i: (owner, identifier_id)
        for i, (owner, identifier_id) in hits.items()
        if (owner, identifier_id) in kept
        and is_value_of(
            i, open_value(owner, identifier_id, kept[owner, identifier_id], opened[owner].life)[0]
        )
    }


def newest_probe(identifier: Named, keys: Keyring) -> bytes:
    """The blind index (32 bytes) that an identifier has unless an older key made it: `is_value`
    tells whether what is found by it is so."""
    check_keyring_once(keys)
    return probes_of(identifier, keys)[0]


def is_value(
    identifier: Named, owner: tuple[CustomerId, UUID], sealed: Sealed, life: SealingKey
) -> bool:
    """Whether what is sealed there is this identifier. Raises: SealBroken."""
    return is_value_of(identifier, open_value(*owner, sealed, life)[0])


def list_probes(identifiers: Sequence[Named], keys: Keyring) -> list[tuple[int, bytes]]:
    """Every blind index under which one of these may stand, with its place among them. For many:
    what the index, 256 bits of a keyed hash, finds is believed, and nothing is opened."""
    if not identifiers:
        return []
    check_keyring_once(keys)
    return [(at, digest) for at, i in enumerate(identifiers) for digest in probes_of(i, keys)]


def list_indexes(kind: IdentifierType, inners: bytes, keys: Keyring) -> list[bytes]:
    """As `list_probes`, of SHA-256 hashes (32 bytes each): for each key version in use the indexes
    (32 bytes each) of all, the newest first."""
    check_keyring_once(keys)
    return blind_index.probes_of_all(keys, kind, inners)


def find_by_identifier(identifier: Identifier, keys: Keyring) -> CustomerId | None:
    """Who has an identifier."""
    return find_owners([identifier], keys).get(identifier)


def get_by_identifier(identifier: Identifier, keys: Keyring) -> CustomerId:
    """Who has an identifier. Raises: NotFound."""
    found = find_by_identifier(identifier, keys)
    if found is None:
        raise NotFound()
    return found


def list_identifiers(customer_id: CustomerId) -> list[StoredIdentifier]:
    """A customer's identifiers, sealed."""
    with reading() as tx:
        return identifiers_store.list_identifiers(tx, [customer_id])


def add_identifiers(
    stored: Sequence[StoredIdentifier], plain: Sequence[Identifier], now: datetime, keys: Keyring
) -> None:
    """Adds sealed identifiers, and tells the watchers. They are held meanwhile, so that whoever
    marks one of them sees either the customer or nobody. Raises: IdentifierKnown."""
    if not stored:
        return
    probes = [probes_of_stored(s, i, keys) for s, i in zip(stored, plain, strict=True)]
    with unit_of_work() as tx:
        hold(tx, (digest for found in probes for digest in found))
        if len(probes[0]) > 1:  # somebody may have it under an older key, which no index refuses
            _refuse_known(plain, keys)
        if not identifiers_store.add_identifiers(tx, stored, normaliser.VERSION):
            _refuse_known(plain, keys)
            raise IdentifierKnown()
        for watcher in _watchers:
            watcher(list(zip(stored, probes, strict=True)), now)


def _refuse_known(plain: Sequence[Identifier], keys: Keyring) -> None:
    for owner in find_owners(plain, keys).values():
        raise IdentifierKnown.of(owner)


def replace_identifiers(
    customer_id: CustomerId,
    wanted: Sequence[Identifier],
    life: SealingKey,
    now: datetime,
    keys: Keyring,
) -> None:
    """Makes these all the identifiers of a customer. One that is written otherwise, or comes from
    elsewhere, is a new one. Raises: IdentifierKnown."""
    with unit_of_work() as tx:
        kept = {_said(open_identifier(i, life)): i for i in list_identifiers(customer_id)}
        names = {_said(i) for i in wanted}
        identifiers_store.delete_identifiers(
            tx, customer_id, [i.id for said, i in kept.items() if said not in names]
        )
        fresh = [i for i in wanted if _said(i) not in kept]
        add_identifiers(
            [seal_identifier(customer_id, i, life, now, keys) for i in fresh], fresh, now, keys
        )


def _said(i: Identifier) -> tuple[str, str, str, str | None]:
    return i.type, i.value, i.given, i.source


def reindex_batch(keys: Keyring, limit: int) -> int:
    """Gives up to `limit` identifiers the newest blind index; how many it found to do."""
    with unit_of_work() as tx:
        old = identifiers_store.list_digests_under(tx, keys.newest(KeyUse.INDEX).id, limit)
        opened = data_keys.open_many(sorted({customer for _, customer, _ in old}), keys)
        for digest, customer_id, identifier_id in old:
            kept = identifiers_store.find_identifier(tx, customer_id, identifier_id)
            if kept is None:
                raise NotFound()
            life = opened[customer_id].life
            value = open_value(customer_id, identifier_id, kept[1], life)[0]
            new = blind_index.index(keys, kept[0], blind_index.sha256_of(value))
            identifiers_store.replace_digest(
                tx, digest, new.digest, new.key_id, customer_id, identifier_id
            )
    return len(old)
