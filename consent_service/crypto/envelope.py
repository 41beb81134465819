"""Sealing one value: AES-256-GCM with a header that names format, algorithm and key.

Layout: format (1 byte) · algorithm (1) · key id (4) · nonce (12, random) · ciphertext and tag.
The associated data names the field, the customer and the row, so that a sealed value moved
elsewhere does not open. It never names a table, a column or a master key's version: those
change while the value stays. Source: NIST SP 800-38D; DESIGN.md 5.3.
"""

import os
from typing import NewType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

Sealed = NewType("Sealed", bytes)

_FORMAT = 1
_AES_256_GCM = 1
_FORMAT_AND_ALGORITHM = bytes((_FORMAT, _AES_256_GCM))
_KEY_ID = slice(2, 6)
_NONCE = slice(6, 18)
_HEADER_LENGTH = 18
KEY_LENGTH = 32
NONCE_LENGTH = 12


class SealBroken(Exception):
    """A sealed value does not open: wrong key, moved, or changed."""


class Field(Struct, frozen=True, gc=False):
    """What a sealed value is: a stable name, whose it is, and which row of theirs."""

    name: str
    customer: UUID
    row: UUID

    def associated_data(self) -> bytes:
        """`name` 0x00 customer (16 bytes) row (16 bytes)."""
        both = self.customer.int << 128 | self.row.int
        return self.name.encode() + b"\0" + both.to_bytes(32)


class SealingKey(Struct, frozen=True, gc=False):
    """A 256-bit key and its 4-byte id. The bytes never show in a repr."""

    id: bytes
    cipher: AESGCM

    @classmethod
    def of(cls, key_id: bytes, secret: bytes) -> "SealingKey":
        """A key from its bytes. Raises: ValueError unless 32 bytes with a 4-byte id."""
        if len(secret) != KEY_LENGTH or len(key_id) != 4:
            raise ValueError("a sealing key is 32 bytes and its id 4")
        return cls(key_id, AESGCM(secret))

    def __repr__(self) -> str:
        return f"SealingKey(id={self.id.hex()}, redacted)"


def seal(key: SealingKey, field: Field, plain: bytes) -> Sealed:
    """`plain` sealed for this field under a fresh nonce."""
    return seal_with(os.urandom(NONCE_LENGTH), key, field, plain)


def seal_with(nonce: bytes, key: SealingKey, field: Field, plain: bytes) -> Sealed:
    """As `seal`, under a nonce out of random bytes that were got for many at once: 12 that are used
    for nothing else."""
    closed = key.cipher.encrypt(nonce, plain, field.associated_data())
    return Sealed(_FORMAT_AND_ALGORITHM + key.id + nonce + closed)


def unseal(key: SealingKey, field: Field, sealed: Sealed) -> bytes:
    """The value behind `sealed`. Raises: SealBroken."""
    if len(sealed) < _HEADER_LENGTH or sealed[:2] != _FORMAT_AND_ALGORITHM:
        raise SealBroken("not a sealed value of a known format")
    if sealed[_KEY_ID] != key.id:
        raise SealBroken("sealed under another key")
    try:
        return key.cipher.decrypt(sealed[_NONCE], sealed[_HEADER_LENGTH:], field.associated_data())
    except InvalidTag:
        raise SealBroken("the value was changed, moved or sealed for something else") from None


def sealed_under(sealed: Sealed) -> bytes:
    """The 4-byte id of the key a value was sealed under."""
    return sealed[_KEY_ID]
