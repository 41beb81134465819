"""SQL of packages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from consent_service.crypto.envelope import Sealed
from consent_service.packages.model import Package, PackageState, Part
from consent_service.packages.tables import PackagePartRow, PackagePieceRow, PackageRow
from consent_service.storage.direct import Question

_packages = PackageRow.__table__
_parts = PackagePartRow.__table__


def add(tx: Connection, package: Package) -> None:
    """Adds a package."""
    tx.execute(insert(PackageRow).values(**_values(package)))


def find_of_request(tx: Connection, customer: UUID, request_id: UUID) -> Package | None:
    """The package of a request."""
    row = PackageRow
    query = select(_packages).where(row.customer_id == customer, row.request_id == request_id)
    found = tx.execute(query).one_or_none()
    return None if found is None else _package(found)


def list_of_customer(tx: Connection, customer: UUID) -> list[Package]:
    """A customer's packages, oldest first."""
    query = select(_packages).where(PackageRow.customer_id == customer).order_by(PackageRow.id)
    return [_package(row) for row in tx.execute(query)]


def list_waiting(tx: Connection, now: datetime, after: UUID | None, limit: int) -> list[Package]:
    """Those to be made that nobody is at, by id."""
    row = PackageRow
    query = select(_packages).where(row.state == PackageState.WAITING.value, _free(now))
    if after is not None:
        query = query.where(row.id > after)
    return [_package(found) for found in tx.execute(query.order_by(row.id).limit(limit))]


def list_expired(tx: Connection, now: datetime, limit: int) -> list[Package]:
    """Those whose time is over and that nobody is at."""
    row = PackageRow
    query = select(_packages).where(
        row.state == PackageState.READY.value, row.expires_at <= now, _free(now)
    )
    return [_package(found) for found in tx.execute(query.limit(limit))]


def change(tx: Connection, seen: Package, after: Package) -> bool:
    """Puts what somebody made of a package. False when another was at it since it was seen."""
    row = PackageRow
    changed = tx.execute(
        update(row)
        .where(
            row.customer_id == seen.place,
            row.id == seen.id,
            row.tries == seen.tries,
            row.state == seen.state.value,
        )
        .values(**_values(after))
    )
    return bool(changed.rowcount)


def add_part(tx: Connection, part: Part) -> None:
    """Adds what a recipient gave."""
    values = {name: getattr(part, name) for name in part.__struct_fields__ if name != "place"}
    tx.execute(insert(PackagePartRow).values(customer_id=part.place, **values))


def list_parts(tx: Connection, customer: UUID, request_id: UUID | None = None) -> list[Part]:
    """What recipients gave for a request, or for all of a customer's, by id."""
    query = select(_parts).where(PackagePartRow.customer_id == customer)
    if request_id is not None:
        query = query.where(PackagePartRow.request_id == request_id)
    return [_part(row) for row in tx.execute(query.order_by(PackagePartRow.id))]


def delete_part(tx: Connection, part: Part) -> None:
    """Removes what a recipient gave, with its pieces."""
    row = PackagePartRow
    tx.execute(delete(row).where(row.customer_id == part.place, row.id == part.id))
    delete_file(tx, part.place, part.id)


def add_piece(
    tx: Connection, customer: UUID, file: UUID, number: int, is_last: bool, piece: Sealed
) -> None:
    """Adds a piece to a file."""
    tx.execute(
        insert(PackagePieceRow).values(
            customer_id=customer, file=file, number=number, is_last=is_last, piece=piece
        )
    )


def find_piece(
    tx: Connection, customer: UUID, file: UUID, number: int
) -> tuple[Sealed, bool] | None:
    """A piece of a file, and whether it is the last."""
    row = PackagePieceRow
    query = select(row.piece, row.is_last).where(
        row.customer_id == customer, row.file == file, row.number == number
    )
    found = tx.execute(query).one_or_none()
    return None if found is None else (found.piece, found.is_last)


def delete_file(tx: Connection, customer: UUID, file: UUID) -> None:
    """Removes a file at once."""
    row = PackagePieceRow
    tx.execute(delete(row).where(row.customer_id == customer, row.file == file))


def delete_customers(tx: Connection, customers: Sequence[UUID]) -> None:
    """Removes all of these customers'. Packages first: whoever makes one waits, and finds none."""
    rows: Sequence[Any] = (PackageRow, PackagePartRow, PackagePieceRow)
    for row in rows:
        tx.execute(delete(row).where(row.customer_id.in_(customers)))


def _free(now: datetime | ColumnElement[datetime]) -> Any:
    return or_(PackageRow.leased_until.is_(None), PackageRow.leased_until <= now)


is_one_waiting = Question(
    select(PackageRow.id).where(
        PackageRow.state == PackageState.WAITING.value, _free(bindparam("now"))
    )
)


def _values(package: Package) -> dict[str, Any]:
    values = {n: getattr(package, n) for n in package.__struct_fields__ if n != "place"}
    return {"customer_id": package.place, **values, "state": package.state.value}


def _package(row: Row[Any]) -> Package:
    values = dict(row._mapping)
    place, state = values.pop("customer_id"), PackageState(values.pop("state"))
    return Package(place=place, state=state, **values)


def _part(row: Row[Any]) -> Part:
    values = dict(row._mapping)
    return Part(place=values.pop("customer_id"), **values)
