"""Customers' data keys: opened per use, rewrapped online, counted by master key."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from consent_service.crypto import data_keys
from consent_service.crypto.data_keys import DataKeyKind, OpenKeys
from consent_service.crypto.envelope import Sealed, SealingKey
from consent_service.crypto.keyring import Keyring
from consent_service.customers import key_store
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work

Wrapped = tuple[CustomerId, DataKeyKind, Sealed]


def make_keys(customer_id: CustomerId, keys: Keyring) -> tuple[OpenKeys, list[Wrapped]]:
    """Fresh data keys for a new customer: open, and wrapped for keeping."""
    life_wrapped, life = data_keys.new_wrapped(keys, DataKeyKind.LIFE, customer_id)
    proof_wrapped, proof = data_keys.new_wrapped(keys, DataKeyKind.PROOF, customer_id)
    return OpenKeys(life, proof), [
        (customer_id, DataKeyKind.LIFE, life_wrapped),
        (customer_id, DataKeyKind.PROOF, proof_wrapped),
    ]


def open_keys(customer_id: CustomerId, keys: Keyring) -> OpenKeys:
    """A customer's data keys. Raises: NotFound, MisconfiguredError."""
    return open_many([customer_id], keys)[customer_id]


def open_many(customer_ids: Sequence[CustomerId], keys: Keyring) -> dict[CustomerId, OpenKeys]:
    """The data keys of customers. Raises: NotFound when one has none, MisconfiguredError."""
    opened = open_found(customer_ids, keys)
    if len(opened) != len(set(customer_ids)):
        raise NotFound()
    return opened


def open_found(customer_ids: Sequence[CustomerId], keys: Keyring) -> dict[CustomerId, OpenKeys]:
    """The data keys of those customers who have any. Raises: MisconfiguredError."""
    with reading() as tx:
        found = key_store.find_keys(tx, customer_ids)
    opened: dict[CustomerId, OpenKeys] = {}
    for customer_id in customer_ids:
        wrapped = found.get(customer_id, {})
        if len(wrapped) != len(DataKeyKind):
            continue
        life, proof = (
            data_keys.unwrap(keys, kind, customer_id, wrapped[kind])
            for kind in (DataKeyKind.LIFE, DataKeyKind.PROOF)
        )
        opened[customer_id] = OpenKeys(life, proof)
    return opened


def open_life(customer_ids: Sequence[CustomerId], keys: Keyring) -> dict[CustomerId, SealingKey]:
    """As `open_many`, the life keys alone: half the work."""
    kind = DataKeyKind.LIFE
    with reading() as tx:
        found = key_store.find_keys_of(tx, customer_ids, kind)
    if len(found) != len(set(customer_ids)):
        raise NotFound()
    return {one: data_keys.unwrap(keys, kind, one, wrapped) for one, wrapped in found.items()}


def keep_proof_keys(places: Mapping[CustomerId, UUID], keys: Keyring) -> None:
    """Keeps customers' proof keys each at another place, for when theirs are destroyed. Raises:
    KeyError."""
    kind = DataKeyKind.PROOF
    with unit_of_work() as tx:
        wrapped = key_store.find_keys(tx, list(places))
        kept = [
            (
                place,
                kind,
                data_keys.rewrap_for(keys, kind, customer, wrapped[customer][kind], place),
            )
            for customer, place in places.items()
        ]
        key_store.add_keys(tx, kept)


def find_proof_key(place: UUID, keys: Keyring) -> SealingKey | None:
    """The proof key that is kept at a place, open. Raises: MisconfiguredError."""
    kind = DataKeyKind.PROOF
    with reading() as tx:
        wrapped = key_store.find_keys(tx, [place]).get(place, {})
    return data_keys.unwrap(keys, kind, place, wrapped[kind]) if kind in wrapped else None


def destroy_proof_keys(places: Sequence[UUID]) -> None:
    """Destroys what `keep_proof_keys` kept."""
    with unit_of_work() as tx:
        key_store.delete_keys(tx, places)


def count_keys_by_master() -> dict[bytes, int]:
    """How many data keys are wrapped under which master key id."""
    with reading() as tx:
        return key_store.count_by_master(tx)


def rewrap_batch(keys: Keyring, limit: int) -> int:
    """Rewraps up to `limit` data keys under the newest master key; how many it found to do.
    Raises: MisconfiguredError when an old master key is missing."""
    with unit_of_work() as tx:
        old = key_store.list_not_under(tx, keys.master.id, limit)
        for customer, kind, wrapped in old:
            rewrapped = data_keys.rewrap(keys, kind, customer, wrapped)
            key_store.replace_key(tx, customer, kind, wrapped, rewrapped)
    return len(old)
