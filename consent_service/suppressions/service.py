"""Suppressions, use case by use case."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec.structs import replace

from consent_service.catalogue.model import Channel
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers import unopened
from consent_service.customers.key_marks import mark_keys
from consent_service.customers.model import Identifier, Named, StoredIdentifier
from consent_service.customers.sealing import probes_of
from consent_service.kernel import paging
from consent_service.kernel.actors import SYSTEM, Actor
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, first_uuid_of, new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.locks import hold
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.suppressions import store
from consent_service.suppressions.model import Reason, Suppression, beside, find_same

N = TypeVar("N", bound=Named)

_AT_ONCE = 1_000


def record_suppressions(
    wanted: Sequence[tuple[Identifier, Reason, Channel | None, datetime]],
    source: str | None,
    now: datetime,
    keys: Keyring,
    actor: Actor = SYSTEM,
) -> list[tuple[Suppression, bool]]:
    """Marks identifiers, known or not, and the customers who have them. In order: the mark, and
    whether it is new. One that says the same, open or closed since, is not made again.
    """
    with unit_of_work() as tx:
        mark_keys(keys, now)
        probes = [probes_of(identifier, keys) for identifier, *_ in wanted]
        hold(tx, (digest for found in probes for digest in found))
        have = store.list_by_digest(tx, {digest for found in probes for digest in found})
        owners = customers.find_identifier_owners([i for i, *_ in wanted], keys)
        added, projected, results = [], [], []
        for (identifier, reason, channel, happened_at), digests in zip(wanted, probes, strict=True):
            known = [mark for digest in digests for mark in have.get(digest, [])]
            same = find_same(known, reason, channel, happened_at)
            if same is not None:
                results.append((same, False))
                continue
            mark = Suppression(
                new_uuid(), reason, channel, identifier.type, happened_at, now, None, source
            )
            have.setdefault(digests[0], []).append(mark)
            added.append((digests[0], mark))
            results.append((mark, True))
            owner = owners.get(identifier)
            if owner is not None:
                projected.append((owner[0], beside(mark, owner[1])))
        resolved, revisions = customers.lock_resolved([customer for customer, _ in projected])
        raised = {customer: old + 1 for customer, old in revisions.items()}
        customers.set_revisions(raised)
        store.add(tx, added)
        placed = [(resolved[customer], mark) for customer, mark in projected]
        store.add_projected(tx, placed)
        owned = {mark.id: customer for customer, mark in placed}
        ledger.append(
            [
                _entry("suppression_recorded", mark, owned.get(mark.id), raised, actor, now)
                for _, mark in added
                if mark.reason is not Reason.ERASED  # an erasure says so itself
            ]
        )
    return results


def take_in(placed: Sequence[tuple[bytes, Suppression]], now: datetime) -> int:
    """Takes in marks by blind index that were made elsewhere, or before, and puts them beside
    whoever has the identifiers; how many say something new."""
    with unit_of_work() as tx:
        hold(tx, [digest for digest, _ in placed])
        have = store.list_by_digest(tx, {digest for digest, _ in placed})
        new = []
        for digest, mark in placed:
            known = have.setdefault(digest, [])
            if find_same(known, mark.reason, mark.channel, mark.happened_at) is None:
                known.append(mark)
                new.append((digest, mark))
        owners = unopened.find_indexed([digest for digest, _ in new])
        owned = [(owners[digest], mark) for digest, mark in new if digest in owners]
        resolved, revisions = customers.lock_resolved([owner for (owner, _), _ in owned])
        raised = {customer: old + 1 for customer, old in revisions.items()}
        customers.set_revisions(raised)
        store.add(tx, new)
        beside_them = [(resolved[who], beside(mark, its)) for (who, its), mark in owned]
        store.add_projected(tx, beside_them)
        about = {mark.id: customer for customer, mark in beside_them}
        ledger.append(
            [
                _entry("suppression_recorded", mark, about.get(mark.id), raised, SYSTEM, now)
                for _, mark in new
                if mark.reason is not Reason.ERASED
            ]
        )
    return len(new)


def mark_erased(customer_ids: Sequence[CustomerId], now: datetime) -> None:
    """Marks every identifier of customers `erased`, by their blind indexes: they need not open."""
    placed = [
        (kept.digest, Suppression(new_uuid(), Reason.ERASED, None, kept.type, now, now))
        for kept in unopened.list_stored_identifiers(customer_ids)
    ]
    if placed:
        take_in(placed, now)


def list_placed(since: datetime) -> Iterator[tuple[bytes, Suppression]]:
    """Marks that were made from an instant on, by blind index, in order of id."""
    after = first_uuid_of(since)
    while True:
        with reading() as tx:
            found = store.list_placed(tx, after, _AT_ONCE)
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1][1].id


def hold_identifiers(identifiers: Sequence[Identifier], keys: Keyring) -> None:
    """Holds identifiers until the caller's unit of work ends, as `record_suppressions` does:
    whoever locks customers as well holds first, or two of them wait for each other."""
    with unit_of_work() as tx:
        hold(tx, (digest for identifier in identifiers for digest in probes_of(identifier, keys)))


def project(added: Sequence[tuple[StoredIdentifier, tuple[bytes, ...]]], now: datetime) -> None:
    """Puts the open marks of identifiers beside the customers who got them just now."""
    with unit_of_work() as tx:
        marks = store.list_by_digest(tx, {digest for _, found in added for digest in found})
        store.add_projected(
            tx,
            [
                (kept.customer_id, replace(beside(mark, kept.id), recorded_from=now))
                for kept, digests in added
                for digest in digests
                for mark in marks.get(digest, [])
                if mark.closed_at is None
            ],
        )


def list_of_identifiers(identifiers: Sequence[N], keys: Keyring) -> dict[N, list[Suppression]]:
    """Every mark, open or closed, on each of these identifiers."""
    probes = {identifier: probes_of(identifier, keys) for identifier in identifiers}
    with reading() as tx:
        found = store.list_by_digest(tx, {d for digests in probes.values() for d in digests})
    return {
        identifier: [mark for digest in digests for mark in found.get(digest, [])]
        for identifier, digests in probes.items()
    }


def list_of_customer(customer_id: CustomerId) -> list[Suppression]:
    """Every mark beside a customer, open or closed."""
    with reading() as tx:
        return store.list_of_customer(tx, customer_id)


def list_marks(
    reason: Reason | None, open_only: bool, cursor: str | None, limit: int
) -> Page[Suppression]:
    """A page of marks, oldest first. Raises: Invalid for a cursor of another filter."""
    bound_to = f"{reason} {open_only}"
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    with reading() as tx:
        found = store.list_marks(tx, reason, open_only, after, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def close_suppression(mark_id: UUID, actor: Actor, now: datetime) -> Suppression:
    """Closes a mark: a staff act, and logged. Closing twice changes nothing. Raises: NotFound."""
    with unit_of_work() as tx:
        mark = store.find(tx, mark_id)
        if mark is None:
            raise NotFound()
        if mark.closed_at is None:
            _, revisions = customers.lock_resolved(store.list_customers_with(tx, mark_id))
            raised = {customer: old + 1 for customer, old in revisions.items()}
            customers.set_revisions(raised)
            store.close(tx, [mark_id], now)
            mark = replace(mark, closed_at=now)
            what = "suppression_closed"
            ledger.append([_entry(what, mark, c, raised, actor, now) for c in raised or [None]])
    return mark


def _entry(
    what: str,
    mark: Suppression,
    customer: CustomerId | None,
    revisions: Mapping[CustomerId, int],
    actor: Actor,
    now: datetime,
) -> Entry:
    """About whoever has the identifier. Where nobody has it, not even the mark is named: it stays
    when they are erased, and would lead from leaf to leaf."""
    entry_id = new_uuid()
    return ledger.bare_entry(
        Entry(
            entry_id,
            entry_id if customer is None else customer,
            customer is not None,
            EntryKind.STAFF_ACT,
            now,
            now,
            client_id=actor.in_log,
            channel=mark.channel,
            reason=what,
            cites=None if customer is None else mark.id,
            revision=None if customer is None else revisions[customer],
        )
    )
