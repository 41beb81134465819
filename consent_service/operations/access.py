"""Who may come in, of clients and of staff: what the journal has of it, and what is done with a
store that was put back. Rights are only ever taken."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from consent_service.accounts import standing as staff
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor
from consent_service.oauth import standing as clients
from consent_service.storage.unit_of_work import reading, unit_of_work


class Access(Struct, frozen=True):
    """All clients by id, and all staff by name."""

    clients: dict[str, clients.Standing]
    staff: dict[str, staff.Standing]


def take(keys: Keyring) -> dict[str, Any]:
    """What the journal is told."""
    with reading():
        found = Access(clients.list_standings(), staff.list_standings(keys))
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told


def hold_to(told: dict[str, Any], actor: Actor, now: datetime, keys: Keyring) -> list[str]:
    """Takes what was taken, by what the journal was told last; from whom."""
    access = msgspec.convert(told, Access)
    with unit_of_work():
        return [
            *(f"client {name}" for name in clients.hold_to(access.clients, actor, now)),
            *(f"staff {name}" for name in staff.hold_to(access.staff, actor, now, keys)),
        ]


def shut(actor: Actor, now: datetime) -> None:
    """Disables all clients and staff: nobody knows who of them still may."""
    with unit_of_work():
        clients.disable_all(actor, now)
        staff.disable_all(actor, now)
