"""Who was erased, sealed under a master key until they were looked for once more."""

import json
from collections.abc import Sequence
from uuid import UUID

from consent_service.crypto.envelope import Field, Sealed, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.erasures.model import Erasure
from consent_service.kernel.ids import CustomerId


def seal_who(ids: Sequence[CustomerId], erasure_id: UUID, keys: Keyring) -> Sealed:
    """Every id that led to somebody, as it is kept."""
    return seal(keys.master, _field(erasure_id), json.dumps([i.hex for i in ids]).encode())


def open_who(erasure: Erasure, keys: Keyring) -> list[CustomerId]:
    """Every id that led to somebody. Raises: SealBroken, MisconfiguredError."""
    assert erasure.who is not None
    master = keys.master_by_id(sealed_under(erasure.who))
    found = json.loads(unseal(master, _field(erasure.id), erasure.who))
    return [CustomerId(UUID(each)) for each in found]


def _field(erasure_id: UUID) -> Field:
    return Field("erasure.who", erasure_id, erasure_id)
