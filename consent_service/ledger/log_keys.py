"""The keys that sign checkpoints: every version in the ring, so that whoever trusts an older one
goes on seeing its signature."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.ledger.notes import Verifier, verifier_of


def private_keys(keys: Keyring) -> list[Ed25519PrivateKey]:
    """The signing keys, the newest first."""
    return [_private(key.secret) for key in reversed(keys.of(KeyUse.LOG))]


def verifiers(keys: Keyring, origin: str) -> list[Verifier]:
    """The public halves, under the log's name, the newest first."""
    return [verifier_of(origin, key) for key in private_keys(keys)]


@lru_cache(maxsize=16)
def _private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)
