"""SQL of customers' wrapped keys, apart from all else that is theirs: destroying these rows
is what forgetting is."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import Sealed, sealed_under
from consent_service.customers.tables import CustomerKeyRow, KeyMarkRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import QuickRowsAmong, RowsAmong


def add_keys(tx: Connection, keys: Sequence[tuple[UUID, DataKeyKind, Sealed]]) -> None:
    """Keeps wrapped keys."""
    insert_rows(
        tx,
        CustomerKeyRow,
        [
            {
                "customer_id": customer,
                "kind": kind.value,
                "wrapped": wrapped,
                "master_id": sealed_under(wrapped),
            }
            for customer, kind, wrapped in keys
        ],
    )


def find_keys(tx: Connection, customers: Sequence[UUID]) -> dict[UUID, dict[DataKeyKind, Sealed]]:
    """The wrapped keys of customers."""
    found: dict[UUID, dict[DataKeyKind, Sealed]] = {}
    for one in _KEYS(tx, customers):
        found.setdefault(one.customer_id, {})[DataKeyKind(one.kind)] = one.wrapped
    return found


_KEYS = RowsAmong(
    CustomerKeyRow.customer_id,
    select(CustomerKeyRow.customer_id, CustomerKeyRow.kind, CustomerKeyRow.wrapped).where,
)


def find_keys_of(
    tx: Connection, customers: Sequence[CustomerId], kind: DataKeyKind
) -> dict[CustomerId, Sealed]:
    """The wrapped keys of a kind of customers."""
    found = _KEYS_OF[kind](tx, customers)
    return {CustomerId(customer): wrapped for customer, wrapped in found}


def _keys_of(kind: DataKeyKind) -> QuickRowsAmong:
    query = select(CustomerKeyRow.customer_id, CustomerKeyRow.wrapped)
    of_kind = query.where(CustomerKeyRow.kind == kind.value)
    return QuickRowsAmong(CustomerKeyRow.customer_id, lambda theirs, _: of_kind.where(theirs))


_KEYS_OF = {kind: _keys_of(kind) for kind in DataKeyKind}


def delete_keys(tx: Connection, customers: Sequence[UUID]) -> None:
    """Destroys a customer's keys."""
    tx.execute(delete(CustomerKeyRow).where(CustomerKeyRow.customer_id.in_(customers)))


def count_by_master(tx: Connection) -> dict[bytes, int]:
    """How many keys are wrapped under which master key."""
    query = select(CustomerKeyRow.master_id, func.count()).group_by(CustomerKeyRow.master_id)
    return {bytes(master): count for master, count in tx.execute(query)}


def list_not_under(
    tx: Connection, master: bytes, limit: int
) -> list[tuple[UUID, DataKeyKind, Sealed]]:
    """Keys not wrapped under a master key."""
    query = select(CustomerKeyRow.customer_id, CustomerKeyRow.kind, CustomerKeyRow.wrapped).where(
        CustomerKeyRow.master_id != master
    )
    return [
        (row.customer_id, DataKeyKind(row.kind), row.wrapped)
        for row in tx.execute(query.limit(limit))
    ]


def replace_key(
    tx: Connection, customer: UUID, kind: DataKeyKind, old: Sealed, new: Sealed
) -> None:
    """Puts a rewrapped key in the place of the one it was made from, if that is still there."""
    tx.execute(
        update(CustomerKeyRow)
        .where(
            CustomerKeyRow.customer_id == customer,
            CustomerKeyRow.kind == kind.value,
            CustomerKeyRow.wrapped == old,
        )
        .values(wrapped=new, master_id=sealed_under(new))
    )


def list_marks(tx: Connection) -> dict[bytes, tuple[str, bytes]]:
    """The service keys that data here was made with: id → use, fingerprint."""
    query = select(KeyMarkRow.key_id, KeyMarkRow.use, KeyMarkRow.fingerprint)
    return {bytes(row.key_id): (row.use, bytes(row.fingerprint)) for row in tx.execute(query)}


def add_mark(tx: Connection, key_id: bytes, use: str, fingerprint: bytes, now: datetime) -> None:
    """Marks a key; marking twice at once is once."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(KeyMarkRow).values(
                    key_id=key_id, use=use, fingerprint=fingerprint, marked_at=now
                )
            )
    except IntegrityError:
        return
