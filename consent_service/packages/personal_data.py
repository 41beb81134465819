"""What this room holds about a customer: packages made for them, and what recipients gave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.crypto.envelope import seal
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.packages import pieces, store
from consent_service.packages.model import Package, PackageState, Part
from consent_service.packages.service import name_field, open_name
from consent_service.privacy_requests.model import request_id_text

TABLES = ("packages", "package_parts", "package_pieces")


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """That packages were made. What is in one, and what recipients gave to it, is what a package
    itself brings."""
    return {
        "packages": [
            {
                "request_id": request_id_text(package.request_id),
                "state": package.state.value,
                "ready_at": None if package.ready_at is None else rfc3339(package.ready_at),
                "ended_at": None if package.ended_at is None else rfc3339(package.ended_at),
            }
            for package in store.list_of_customer(tx, customer)
        ]
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes packages, ready or not, and what recipients gave."""
    store.delete_customers(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves those that are not made yet, with what recipients gave. One that is ready tells of half
    a person, and ends: they ask for another. Whoever is at one has lost it."""
    packages = store.list_of_customer(tx, absorbed.customer)
    parts = store.list_parts(tx, absorbed.customer)
    for part in parts:
        _move(tx, part, kept, absorbed)
    store.delete_customers(tx, [absorbed.customer])
    for package in packages:
        store.add(tx, _moved(package, kept, now))


def _moved(package: Package, kept: Holder, now: datetime) -> Package:
    moved = replace(
        package, place=kept.customer, tries=package.tries + 1, leased_until=None, file=None
    )
    if package.state is not PackageState.READY:
        return moved
    return replace(moved, state=PackageState.EXPIRED, ended_at=now)


def _move(tx: Connection, part: Part, kept: Holder, absorbed: Holder) -> None:
    name = open_name(part, absorbed.keys.life).encode()
    sealed = seal(kept.keys.life, name_field(kept.customer, part.id), name)
    store.add_part(tx, replace(part, place=kept.customer, name=sealed))
    writer = pieces.Writer(kept.customer, part.id, kept.keys.life, lambda: None)
    for piece, _ in pieces.read_pieces(absorbed.customer, part.id, absorbed.keys.life):
        writer.write(piece)
    writer.finish()
