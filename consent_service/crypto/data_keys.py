"""A customer's own keys, wrapped under a master key. Destroying a wrapped key forgets
everything sealed under it. Unwrapped per use, never kept."""

import os
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import (
    KEY_LENGTH,
    Field,
    SealBroken,
    Sealed,
    SealingKey,
    seal,
    sealed_under,
    unseal,
)
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.errors import MisconfiguredError
from consent_service.kernel.ids import CustomerId


class DataKeyKind(StrEnum):
    """`life` seals what is used while the person is a customer; `proof` what proves consent."""

    LIFE = "life"
    PROOF = "proof"


_FIELDS = {kind: f"customer_key.{kind}" for kind in DataKeyKind}
_KEY_IDS = {DataKeyKind.LIFE: b"life", DataKeyKind.PROOF: b"prof"}


class OpenKeys(Struct, frozen=True):
    """A customer's data keys, open."""

    life: SealingKey
    proof: SealingKey


class Holder(Struct, frozen=True):
    """A customer with their keys open: a side of a merge."""

    customer: CustomerId
    keys: OpenKeys


def new_wrapped(keyring: Keyring, kind: DataKeyKind, customer: UUID) -> tuple[Sealed, SealingKey]:
    """A fresh data key, wrapped for keeping and open for use now."""
    secret = os.urandom(KEY_LENGTH)
    wrapped = seal(keyring.master, _field(kind, customer), secret)
    return wrapped, SealingKey.of(_KEY_IDS[kind], secret)


def unwrap(keyring: Keyring, kind: DataKeyKind, customer: UUID, wrapped: Sealed) -> SealingKey:
    """The data key, open. Raises: MisconfiguredError when the ring cannot open it."""
    return SealingKey.of(_KEY_IDS[kind], _secret(keyring, kind, customer, wrapped))


def rewrap(keyring: Keyring, kind: DataKeyKind, customer: UUID, wrapped: Sealed) -> Sealed:
    """The same data key under the newest master key; what it seals is not touched."""
    return seal(keyring.master, _field(kind, customer), _secret(keyring, kind, customer, wrapped))


def rewrap_for(
    keyring: Keyring, kind: DataKeyKind, customer: UUID, wrapped: Sealed, place: UUID
) -> Sealed:
    """The same data key, kept for another place."""
    return seal(keyring.master, _field(kind, place), _secret(keyring, kind, customer, wrapped))


def _secret(keyring: Keyring, kind: DataKeyKind, customer: UUID, wrapped: Sealed) -> bytes:
    master = keyring.master_by_id(sealed_under(wrapped))
    try:
        return unseal(master, _field(kind, customer), wrapped)
    except SealBroken as error:
        raise MisconfiguredError(f"a customer's {kind} key does not open: {error}") from None


def _field(kind: DataKeyKind, customer: UUID) -> Field:
    return Field(_FIELDS[kind], customer, customer)
