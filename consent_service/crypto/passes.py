"""Passes: short texts that only we could have made and only we can read, for addresses of pages.

Each is sealed under a key of its own, derived for its salt from the newest index key, so that any
number may be made; it opens as long as that version is in the ring. Layout, in URL-safe base 64:
salt (16 bytes) · sealed value.
"""

import base64
import binascii
import os
from uuid import UUID

from consent_service.crypto.blind_index import keyed_probes
from consent_service.crypto.envelope import (
    Field,
    SealBroken,
    Sealed,
    SealingKey,
    seal,
    sealed_under,
    unseal,
)
from consent_service.crypto.keyring import Keyring

_SALT = 16
_LONGEST = 400
_NOBODY = UUID(int=0)


def make(keyring: Keyring, kind: str, plain: bytes) -> str:
    """A pass of a kind."""
    salt = os.urandom(_SALT)
    sealed = seal(_keys(keyring, kind, salt)[0], _field(kind), plain)
    return base64.urlsafe_b64encode(salt + sealed).rstrip(b"=").decode()


def read(keyring: Keyring, kind: str, text: str) -> bytes | None:
    """What a pass of that kind says; None when we did not make it."""
    if len(text) > _LONGEST:
        return None
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        salt, sealed = raw[:_SALT], Sealed(raw[_SALT:])
        keys = {key.id: key for key in _keys(keyring, kind, salt)}
        return unseal(keys[sealed_under(sealed)], _field(kind), sealed)
    except (binascii.Error, KeyError, SealBroken):
        return None


def _keys(keyring: Keyring, kind: str, salt: bytes) -> list[SealingKey]:
    found = keyed_probes(keyring, "pass." + kind, salt)
    return [SealingKey.of(each.key_id, each.digest) for each in found]


def _field(kind: str) -> Field:
    return Field("pass." + kind, _NOBODY, _NOBODY)
