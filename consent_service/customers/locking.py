"""To which customers ids lead, holding them, and raising their revisions."""

from collections.abc import Iterable, Mapping, Sequence

from consent_service.customers import store
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work


def resolve(customer_id: CustomerId) -> CustomerId:
    """The customer that an id leads to: itself, or who it was merged into."""
    return resolve_many([customer_id])[customer_id]


def resolve_many(customer_ids: Sequence[CustomerId]) -> dict[CustomerId, CustomerId]:
    """The customers that ids lead to."""
    with reading() as tx:
        kept = store.find_all_kept(tx, customer_ids)
    return {customer_id: kept.get(customer_id, customer_id) for customer_id in customer_ids}


def lock_customers(customer_ids: Iterable[CustomerId]) -> dict[CustomerId, int]:
    """Locks customers until the unit of work ends; their revisions. Raises: NotFound."""
    wanted = set(customer_ids)
    with unit_of_work() as tx:
        revisions = store.lock_revisions(tx, wanted)
    if len(revisions) != len(wanted):
        raise NotFound()
    return revisions


def lock_resolved(
    customer_ids: Sequence[CustomerId],
) -> tuple[dict[CustomerId, CustomerId], dict[CustomerId, int]]:
    """Locks the customers that ids lead to; to whom each leads, and their revisions. Whoever was
    merged into another while this waited for the lock is looked for there. Raises: NotFound."""
    with unit_of_work() as tx:
        resolved = resolve_many(customer_ids)
        wanted = set(resolved.values())
        revisions = store.lock_revisions(tx, wanted)
        if len(revisions) != len(wanted):
            resolved = resolve_many(customer_ids)
            revisions = lock_customers(resolved.values())
    return resolved, revisions


def set_revisions(revisions: Mapping[CustomerId, int]) -> None:
    """Sets the raised revisions of customers that the caller's unit of work has locked."""
    if revisions:
        with unit_of_work() as tx:
            store.set_revisions(tx, revisions)


def raise_revisions(by: Mapping[CustomerId, int]) -> None:
    """Raises the revisions of customers that the caller's unit of work has locked, each by so
    many."""
    with unit_of_work() as tx:
        store.raise_revisions(tx, by)


def raise_revision(customer_id: CustomerId) -> int:
    """Locks a customer until the unit of work ends and raises their revision; the new one.
    Raises: NotFound."""
    with unit_of_work():
        revision = lock_customers([customer_id])[customer_id] + 1
        set_revisions({customer_id: revision})
    return revision
