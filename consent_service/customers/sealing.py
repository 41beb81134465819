"""How identifiers and profiles are sealed and opened."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from consent_service.crypto import blind_index
from consent_service.crypto.envelope import Field, Sealed, SealingKey, seal, unseal
from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.customers.model import (
    HashedIdentifier,
    Identifier,
    Named,
    ProfileValue,
    StoredIdentifier,
)
from consent_service.kernel.ids import CustomerId, new_uuid

_encode = msgspec.json.encode


def probes_of(i: Named, keys: Keyring) -> tuple[bytes, ...]:
    """Every blind index under which an identifier may stand, the newest first."""
    return tuple([found.digest for found in blind_index.probes(keys, i.type, inner_of(i))])


def inner_of(i: Named) -> bytes:
    """The SHA-256 (32 bytes) of an identifier's normalised value."""
    return i.inner if isinstance(i, HashedIdentifier) else blind_index.sha256_of(i.value)


def is_value_of(i: Named, value: str) -> bool:
    """Whether a normalised value is what an identifier names."""
    if isinstance(i, HashedIdentifier):
        return blind_index.sha256_of(value) == i.inner
    return value == i.value


def probes_of_stored(kept: StoredIdentifier, i: Identifier, keys: Keyring) -> tuple[bytes, ...]:
    """As `probes_of`, of one that was sealed just now: its own index is the newest."""
    return (kept.digest,) if len(keys.of(KeyUse.INDEX)) == 1 else probes_of(i, keys)


def open_identifier(kept: StoredIdentifier, life: SealingKey) -> Identifier:
    """An identifier in the clear. Raises: SealBroken."""
    value, given = open_value(kept.customer_id, kept.id, kept.sealed, life)
    return Identifier(kept.type, value, given, kept.source)


def open_profile(
    customer_id: CustomerId, sealed: Sealed, life: SealingKey
) -> dict[str, ProfileValue]:
    """A profile in the clear. Raises: SealBroken."""
    plain = json.loads(unseal(life, Field("customer.profile", customer_id, customer_id), sealed))
    return {name: ProfileValue(value, source) for name, (value, source) in plain.items()}


def seal_profile(
    customer_id: CustomerId, profile: Mapping[str, ProfileValue], life: SealingKey
) -> Sealed:
    """A profile, sealed under its customer's life key."""
    plain = _encode({name: [v.value, v.source] for name, v in profile.items()})
    return seal(life, Field("customer.profile", customer_id, customer_id), plain)


def seal_identifier(
    customer_id: CustomerId, i: Identifier, life: SealingKey, now: datetime, keys: Keyring
) -> StoredIdentifier:
    """An identifier as it is kept, under a fresh id."""
    identifier_id = new_uuid()
    field = Field("identifier.value", customer_id, identifier_id)
    sealed = seal(life, field, _encode([i.value, i.given]))
    found = blind_index.index(keys, i.type, blind_index.sha256_of(i.value))
    return StoredIdentifier(
        identifier_id, customer_id, i.type, sealed, i.source, found.digest, found.key_id, now
    )


def open_value(
    customer_id: CustomerId, identifier_id: UUID, sealed: Sealed, life: SealingKey
) -> tuple[str, str]:
    """An identifier's normalised value and the text it was given as. Raises: SealBroken."""
    field = Field("identifier.value", customer_id, identifier_id)
    value, given = json.loads(unseal(life, field, sealed))
    return value, given


def reseal_identifier(
    kept: StoredIdentifier, old: SealingKey, customer_id: CustomerId, new: SealingKey
) -> StoredIdentifier:
    """An identifier as it is kept for another customer, under the same id and index."""
    value = list(open_value(kept.customer_id, kept.id, kept.sealed, old))
    field = Field("identifier.value", customer_id, kept.id)
    sealed = seal(new, field, _encode(value))
    return replace(kept, customer_id=customer_id, sealed=sealed)
