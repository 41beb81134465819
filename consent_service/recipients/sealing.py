"""Whom a task is about, sealed under a master key: of an erasure it must outlive the person's own
keys, until the recipient has answered."""

import json
from uuid import UUID

from consent_service.crypto.envelope import Field, Sealed, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers.model import IdentifierType
from consent_service.kernel.ids import CustomerId
from consent_service.recipients.model import About


def seal_about(about: About, task_id: UUID, keys: Keyring) -> Sealed:
    """Whom a task is about, as it is kept."""
    plain = [[i.hex for i in about.customer_ids], [[t.value, v] for t, v in about.identifiers]]
    return seal(keys.master, _field(task_id), json.dumps(plain).encode())


def open_about(sealed: Sealed, task_id: UUID, keys: Keyring) -> About:
    """Whom a task is about. Raises: SealBroken, MisconfiguredError."""
    master = keys.master_by_id(sealed_under(sealed))
    ids, identifiers = json.loads(unseal(master, _field(task_id), sealed))
    return About(
        tuple(CustomerId(UUID(found)) for found in ids),
        tuple((IdentifierType(kind), value) for kind, value in identifiers),
    )


def _field(task_id: UUID) -> Field:
    return Field("recipient_task.about", task_id, task_id)
