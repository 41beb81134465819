"""SQL of identifiers and their blind index."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import IdentifierType, StoredIdentifier
from consent_service.customers.tables import CustomerIdentifierRow, IdentifierIndexRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import rows_among


def add_identifiers(
    tx: Connection, identifiers: Sequence[StoredIdentifier], normaliser: int
) -> bool:
    """Adds identifiers and their index. False, with nothing added, when somebody has one."""
    if not identifiers:
        return True
    try:
        with tx.begin_nested():
            insert_rows(
                tx,
                IdentifierIndexRow,
                [
                    {
                        "digest": i.digest,
                        "key_id": i.index_key_id,
                        "normaliser": normaliser,
                        "customer_id": i.customer_id,
                        "identifier_id": i.id,
                    }
                    for i in sorted(identifiers, key=lambda i: i.digest)
                ],
            )
    except IntegrityError:
        return False
    insert_rows(tx, CustomerIdentifierRow, [_identifier_values(i) for i in identifiers])
    return True


def find_owners(tx: Connection, digests: Collection[bytes]) -> dict[bytes, tuple[CustomerId, UUID]]:
    """Who has which blind index: digest → customer, identifier."""
    index = IdentifierIndexRow
    query = select(index.digest, index.customer_id, index.identifier_id)
    found = rows_among(tx, query, index.digest, digests)
    return {bytes(row.digest): (CustomerId(row.customer_id), row.identifier_id) for row in found}


def list_identifiers(tx: Connection, customer_ids: Sequence[CustomerId]) -> list[StoredIdentifier]:
    """The identifiers of customers, in order of adding."""
    query = (
        select(CustomerIdentifierRow.__table__, IdentifierIndexRow.key_id)
        .join(IdentifierIndexRow, IdentifierIndexRow.digest == CustomerIdentifierRow.digest)
        .order_by(CustomerIdentifierRow.customer_id, CustomerIdentifierRow.id)
    )
    found = rows_among(tx, query, CustomerIdentifierRow.customer_id, customer_ids)
    return [_identifier(row) for row in found]


def find_identifier(
    tx: Connection, customer_id: CustomerId, identifier_id: UUID
) -> tuple[IdentifierType, Sealed] | None:
    """Type and sealed value of one identifier."""
    row = tx.execute(
        select(CustomerIdentifierRow.type, CustomerIdentifierRow.value).where(
            CustomerIdentifierRow.customer_id == customer_id,
            CustomerIdentifierRow.id == identifier_id,
        )
    ).one_or_none()
    return None if row is None else (IdentifierType(row.type), row.value)


def find_values(
    tx: Connection, ids: Sequence[UUID], customer_ids: Collection[CustomerId]
) -> dict[tuple[CustomerId, UUID], Sealed]:
    """The sealed values of identifiers of these customers."""
    row, wanted = CustomerIdentifierRow, set(ids)
    query = select(row.customer_id, row.id, row.value)
    found = rows_among(tx, query, row.customer_id, customer_ids)
    return {(CustomerId(one.customer_id), one.id): one.value for one in found if one.id in wanted}


def delete_identifiers(tx: Connection, customer_id: CustomerId, ids: Sequence[UUID]) -> None:
    """Removes identifiers and their index."""
    if not ids:
        return
    for table, column in (
        (IdentifierIndexRow, IdentifierIndexRow.identifier_id),
        (CustomerIdentifierRow, CustomerIdentifierRow.id),
    ):
        tx.execute(delete(table).where(table.customer_id == customer_id, column.in_(ids)))


def list_digests_under(
    tx: Connection, newest: bytes, limit: int
) -> list[tuple[bytes, CustomerId, UUID]]:
    """Index rows not made by the newest key version."""
    query = select(
        IdentifierIndexRow.digest, IdentifierIndexRow.customer_id, IdentifierIndexRow.identifier_id
    ).where(IdentifierIndexRow.key_id != newest)
    return [
        (bytes(row.digest), CustomerId(row.customer_id), row.identifier_id)
        for row in tx.execute(query.limit(limit))
    ]


def replace_digest(
    tx: Connection,
    old: bytes,
    new: bytes,
    key_id: bytes,
    customer_id: CustomerId,
    identifier_id: UUID,
) -> None:
    """Gives an identifier the index of another key version."""
    tx.execute(
        update(IdentifierIndexRow)
        .where(IdentifierIndexRow.digest == old)
        .values(digest=new, key_id=key_id)
    )
    tx.execute(
        update(CustomerIdentifierRow)
        .where(
            CustomerIdentifierRow.customer_id == customer_id,
            CustomerIdentifierRow.id == identifier_id,
        )
        .values(digest=new)
    )


def _identifier_values(i: StoredIdentifier) -> dict[str, object]:
    return {
        "customer_id": i.customer_id,
        "id": i.id,
        "type": i.type.value,
        "value": i.sealed,
        "source": i.source,
        "digest": i.digest,
        "added_at": i.added_at,
    }


def _identifier(row: Row[Any]) -> StoredIdentifier:
    return StoredIdentifier(
        row.id,
        CustomerId(row.customer_id),
        IdentifierType(row.type),
        row.value,
        row.source,
        bytes(row.digest),
        bytes(row.key_id),
        row.added_at,
    )
