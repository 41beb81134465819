"""SQL of customers. Keys are in `key_store.py`, identifiers in `identifiers_store.py`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from consent_service.crypto.envelope import Sealed
from consent_service.customers.model import (
    AgeBand,
    CustomerRecord,
    Facts,
)
from consent_service.customers.tables import (
    CustomerAliasRow,
    CustomerFactsRow,
    CustomerIdentifierRow,
    CustomerRow,
    IdentifierIndexRow,
)
from consent_service.kernel.ids import CustomerId
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import QuickRowsAmong, RowsAmong, among, rows_among


def add_customers(tx: Connection, customers: Sequence[CustomerRecord]) -> None:
    """Adds customers with their first facts, at their revision."""
    insert_rows(
        tx,
        CustomerRow,
        [
            {
                "customer_id": c.id,
                "revision": c.revision,
                "created_at": c.created_at,
                "language": c.language,
                "profile": c.profile,
                "audience_secret": c.audience_secret,
            }
            for c in customers
        ],
    )
    insert_rows(
        tx,
        CustomerFactsRow,
        [_facts_values(c.id, c.revision, c.facts, c.created_at) for c in customers],
    )


def find_customer(tx: Connection, customer_id: CustomerId) -> CustomerRecord | None:
    """A customer with the facts in force."""
    return find_customers(tx, [customer_id]).get(customer_id)


def find_customers(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, CustomerRecord]:
    """Customers with the facts in force."""
    query = (
        select(
            CustomerRow.customer_id,
            CustomerRow.revision,
            CustomerRow.created_at,
            CustomerRow.language,
            CustomerRow.profile,
            CustomerRow.audience_secret,
            *_FACTS,
        )
        .join(CustomerFactsRow, CustomerFactsRow.customer_id == CustomerRow.customer_id)
        .where(CustomerRow.customer_id.in_(customer_ids), CustomerFactsRow.recorded_to.is_(None))
    )
    return {
        CustomerId(row.customer_id): CustomerRecord(
            CustomerId(row.customer_id),
            row.revision,
            row.created_at,
            row.language,
            row.profile,
            facts_of(row),
            bytes(row.audience_secret),
        )
        for row in tx.execute(query)
    }


def list_customers(tx: Connection, after: UUID | None, limit: int) -> list[CustomerId]:
    """Customers in order of id."""
    query = select(CustomerRow.customer_id).order_by(CustomerRow.customer_id).limit(limit)
    if after is not None:
        query = query.where(CustomerRow.customer_id > after)
    return [CustomerId(found) for found in tx.scalars(query)]


def lock_revisions(tx: Connection, customer_ids: Collection[CustomerId]) -> dict[CustomerId, int]:
    """The revisions of customers, locked in order of id until the transaction ends."""
    found = _LOCKED(tx, customer_ids)
    return {CustomerId(row.customer_id): row.revision for row in found}


_LOCKED = QuickRowsAmong(
    CustomerRow.customer_id,
    lambda theirs, _: (
        select(CustomerRow.customer_id, CustomerRow.revision)
        .where(theirs)
        .order_by(CustomerRow.customer_id)
        .with_for_update()
    ),
)


def set_revisions(tx: Connection, revisions: Mapping[CustomerId, int]) -> None:
    """Sets the revisions of locked customers."""
    raised: dict[int, list[CustomerId]] = {}
    for customer, revision in revisions.items():
        raised.setdefault(revision, []).append(customer)
    for revision, found in raised.items():
        theirs = among(tx, CustomerRow.customer_id, found)
        tx.execute(update(CustomerRow).where(theirs).values(revision=revision))


def raise_revisions(tx: Connection, by: Mapping[CustomerId, int]) -> None:
    """Raises the revisions of locked customers, each by so many. Most have one change in common,
    and are all at revisions of their own."""
    raised: dict[int, list[CustomerId]] = {}
    for customer, count in by.items():
        raised.setdefault(count, []).append(customer)
    for count, found in raised.items():
        theirs = among(tx, CustomerRow.customer_id, found)
        tx.execute(update(CustomerRow).where(theirs).values(revision=CustomerRow.revision + count))


def set_customer(
    tx: Connection,
    customer_id: CustomerId,
    language: str | None,
    profile: Sealed,
    changed_at: datetime | None,
) -> None:
    """Changes what is not a fact. `changed_at`: of the profile, if it is another."""
    values: dict[str, Any] = {"language": language, "profile": profile}
    if changed_at is not None:
        values["profile_changed_at"] = changed_at
    tx.execute(update(CustomerRow).where(CustomerRow.customer_id == customer_id).values(values))


def list_profiles(tx: Connection, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, Sealed]:
    """The sealed profiles of customers."""
    query = select(CustomerRow.customer_id, CustomerRow.profile)
    found = rows_among(tx, query, CustomerRow.customer_id, customer_ids)
    return {CustomerId(row.customer_id): row.profile for row in found}


def set_profiles(
    tx: Connection, profiles: Mapping[CustomerId, Sealed], changed_at: datetime | None = None
) -> None:
    """Changes the profiles of customers. `changed_at`: when something came to them."""
    values: dict[str, Any] = {"profile": bindparam("sealed")}
    if changed_at is not None:
        values["profile_changed_at"] = changed_at
    if profiles:
        tx.execute(
            update(CustomerRow)
            .where(CustomerRow.customer_id == bindparam("customer"))
            .values(values),
            [{"customer": customer, "sealed": sealed} for customer, sealed in profiles.items()],
        )


def replace_facts(
    tx: Connection, customer_id: CustomerId, revision: int, facts: Facts, now: datetime
) -> None:
    """Ends the facts in force of a locked customer and puts others in their place, from `now` on,
    but never from before those did: whoever waited for the lock comes with an older time."""
    row = CustomerFactsRow
    in_force = (row.customer_id == customer_id) & row.recorded_to.is_(None)
    since = tx.scalars(select(row.recorded_from).where(in_force)).one()
    at = max(now, since)
    tx.execute(update(row).where(in_force).values(recorded_to=at))
    tx.execute(insert(row), [_facts_values(customer_id, revision, facts, at)])


def find_facts_at(tx: Connection, customer_id: CustomerId, at: datetime) -> Facts | None:
    """The facts in force at an instant, as then known."""
    row = tx.execute(
        select(*_FACTS)
        .where(CustomerFactsRow.customer_id == customer_id, CustomerFactsRow.recorded_from <= at)
        .order_by(CustomerFactsRow.revision.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else facts_of(row)


def list_facts(tx: Connection, customer_id: CustomerId) -> list[dict[str, Any]]:
    """Every version of a customer's facts, for an export."""
    query = select(CustomerFactsRow.__table__).where(CustomerFactsRow.customer_id == customer_id)
    return [dict(row._mapping) for row in tx.execute(query.order_by(CustomerFactsRow.revision))]


def find_all_kept(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> dict[CustomerId, CustomerId]:
    """Whom absorbed customers among these became."""
    found = _KEPT(tx, customer_ids)
    return {CustomerId(row.customer_id): CustomerId(row.kept_id) for row in found}


_KEPT = RowsAmong(
    CustomerAliasRow.customer_id,
    select(CustomerAliasRow.customer_id, CustomerAliasRow.kept_id).where,
)


def list_audience_secrets(tx: Connection, customer_id: CustomerId) -> list[bytes]:
    """A customer's own, and those of everybody who was merged into them."""
    own = select(CustomerRow.audience_secret).where(CustomerRow.customer_id == customer_id)
    merged = select(CustomerAliasRow.audience_secret).where(CustomerAliasRow.kept_id == customer_id)
    return [bytes(secret) for secret in tx.scalars(own.union_all(merged))]


def list_aliases(tx: Connection, customer_id: CustomerId) -> list[tuple[CustomerId, datetime]]:
    """The ids that were merged into a customer, and when."""
    row = CustomerAliasRow
    query = select(row.customer_id, row.merged_at).where(row.kept_id == customer_id)
    found = tx.execute(query.order_by(row.merged_at, row.customer_id))
    return [(CustomerId(one.customer_id), one.merged_at) for one in found]


def list_merged(
    tx: Connection, customer_ids: Sequence[CustomerId]
) -> list[tuple[CustomerId, CustomerId]]:
    """The ids that were merged into customers': customer, merged id."""
    row = CustomerAliasRow
    query = select(row.kept_id, row.customer_id).where(row.kept_id.in_(customer_ids))
    return [
        (CustomerId(found.kept_id), CustomerId(found.customer_id))
        for found in tx.execute(query.order_by(row.customer_id))
    ]


def add_alias(tx: Connection, absorbed: CustomerRecord, kept: CustomerId, now: datetime) -> None:
    """Makes an id, and every id that led to it, lead to another."""
    row = CustomerAliasRow
    tx.execute(update(row).where(row.kept_id == absorbed.id).values(kept_id=kept))
    tx.execute(
        insert(row).values(
            customer_id=absorbed.id,
            kept_id=kept,
            merged_at=now,
            audience_secret=absorbed.audience_secret,
        )
    )


def delete_customer(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Removes a customer, facts, identifiers and aliases. Keys go by `key_store`."""
    for table in (IdentifierIndexRow, CustomerIdentifierRow, CustomerFactsRow, CustomerRow):
        tx.execute(delete(table).where(table.customer_id.in_(customers)))
    tx.execute(delete(CustomerAliasRow).where(CustomerAliasRow.kept_id.in_(customers)))


def facts_of(row: Any) -> Facts:
    """The facts in a row that selected `_FACTS`."""
    return facts_from(row.jurisdiction, row.age_band, row.restricted, row.gpc_since)


def facts_from(
    jurisdiction: str | None, age_band: str | None, restricted: bool, gpc_since: datetime | None
) -> Facts:
    """The facts in the columns of `_FACTS`."""
    return Facts(
        jurisdiction, None if age_band is None else AgeBand(age_band), restricted, gpc_since
    )


_FACTS = (
    CustomerFactsRow.jurisdiction,
    CustomerFactsRow.age_band,
    CustomerFactsRow.restricted,
    CustomerFactsRow.gpc_since,
)


def _facts_values(
    customer_id: CustomerId, revision: int, facts: Facts, now: datetime
) -> dict[str, object]:
    return {
        "customer_id": customer_id,
        "revision": revision,
        "recorded_from": now,
        "recorded_to": None,
        "jurisdiction": facts.jurisdiction,
        "age_band": None if facts.age_band is None else facts.age_band.value,
        "restricted": facts.restricted,
        "gpc_since": facts.gpc_since,
    }
