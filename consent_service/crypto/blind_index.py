"""Finding a sealed value without opening it: HMAC-SHA-256(key of its type, SHA-256(value)).

The inner SHA-256 is of the normalised value, the form in which ad platforms hand over
e-mails and phones, so that a hashed audience finds the same customer.
"""

import hashlib
import hmac
from functools import lru_cache
from struct import Struct

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consent_service.crypto.keyring import Keyring, KeyUse, ServiceKey

_IDENTIFIER = "identifier."
_INNERS = Struct("32s")


class Indexed(msgspec.Struct, frozen=True):
    """A blind index (32 bytes) and the 4-byte id of the key version that made it."""

    digest: bytes
    key_id: bytes


def sha256_of(normalised: str) -> bytes:
    """The 32-byte inner hash of a normalised value."""
    return hashlib.sha256(normalised.encode()).digest()


def index(keyring: Keyring, kind: str, inner: bytes) -> Indexed:
    """The index under the newest key version: what a new row carries."""
    return _index(keyring.newest(KeyUse.INDEX), kind, inner)


def probes(keyring: Keyring, kind: str, inner: bytes) -> tuple[Indexed, ...]:
    """The index under every version in use, newest first: what a look-up tries."""
    return tuple([_index(key, kind, inner) for key in keyring.of(KeyUse.INDEX)[::-1]])


def probes_of_all(keyring: Keyring, kind: str, inners: bytes) -> list[bytes]:
    """As `probes`, of many inner hashes, one after another: a digest after another for each
    version."""
    keys = [_type_key(key.secret, _IDENTIFIER + kind) for key in keyring.of(KeyUse.INDEX)[::-1]]
    return [_digests(HMAC(key, SHA256()), inners) for key in keys]


def _digests(keyed: HMAC, inners: bytes) -> bytes:
    """In a third of the time that `hmac.digest` takes, which begins with the key each time."""
    found = []
    for (inner,) in _INNERS.iter_unpack(inners):
        one = keyed.copy()
        one.update(inner)
        found.append(one.finalize())
    return b"".join(found)


def keyed_digest(keyring: Keyring, kind: str, message: bytes) -> bytes:
    """A 32-byte fingerprint that nobody without the keyring can make or test."""
    return hmac.digest(_type_key(keyring.newest(KeyUse.INDEX).secret, kind), message, "sha256")


def keyed_probes(keyring: Keyring, kind: str, message: bytes) -> tuple[Indexed, ...]:
    """The fingerprint under every version in use, the newest first: what a look-up tries."""
    return tuple(
        Indexed(hmac.digest(_type_key(key.secret, kind), message, "sha256"), key.id)
        for key in reversed(keyring.of(KeyUse.INDEX))
    )


def fingerprint(key: ServiceKey) -> bytes:
    """Eight bytes that only this key makes, and that tell nothing of it."""
    return hmac.digest(_type_key(key.secret, "fingerprint"), key.id, "sha256")[:8]


def _index(key: ServiceKey, kind: str, inner: bytes) -> Indexed:
    of_type = _type_key(key.secret, _IDENTIFIER + kind)
    return Indexed(hmac.digest(of_type, inner, "sha256"), key.id)


@lru_cache(maxsize=64)
def _type_key(secret: bytes, kind: str) -> bytes:
    derivation = HKDF(SHA256(), 32, salt=None, info=b"consent blind index " + kind.encode())
    return derivation.derive(secret)
