"""What the store knows of those whom checks are about."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.model import Identifier, IdentifierType
from consent_service.decisions import store
from consent_service.decisions.model import Check, Person
from consent_service.decisions.store import Gathered
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import Reason as MarkReason
from consent_service.suppressions.model import Suppression


class Known(Struct, frozen=True):
    """What the store knows of whoever is asked about. `resolved` leads from ids that were merged to
    a customer; `marks` are those on identifiers that nobody has."""

    owners: Mapping[Identifier, tuple[CustomerId, UUID]]
    resolved: Mapping[CustomerId, CustomerId]
    gathered: Mapping[CustomerId, Gathered]
    addresses: Mapping[CustomerId, Mapping[IdentifierType, frozenset[UUID]]]
    marks: Mapping[Identifier, Sequence[Suppression]]

    def person_of(self, check: Check) -> tuple[CustomerId | None, Gathered | None, Person]:
        """Who it is and what the store has of them, where they are known here, and what a decision
        reads."""
        named, asked_by = check.customer_id, None
        if check.identifier is not None:
            named, identifier_id = self.owners.get(check.identifier, (None, None))
            asked_by = (check.identifier.type, identifier_id)
        place, found = self._found(named)
        if place is None or found is None:
            marks = self.marks.get(check.identifier, ()) if check.identifier else ()
            return None, None, Person(None, {}, tuple(marks), asked_by)
        if not found.marks:
            return place, found, Person(found.facts, found.records, (), asked_by)
        marks, addresses = tuple(found.marks.values()), self.addresses.get(place)
        return place, found, Person(found.facts, found.records, marks, asked_by, addresses)

    def _found(self, named: CustomerId | None) -> tuple[CustomerId | None, Gathered | None]:
        if named is None:
            return None, None
        found = self.gathered.get(named)
        if found is None and named in self.resolved:
            named = self.resolved[named]
            found = self.gathered.get(named)
        return named, found


def gather(checks: Sequence[Check], keys: Keyring) -> Known:
    """What checks need, of everybody they are about, by few statements. Whoever is not found is
    looked for among those who were merged. Raises: Unavailable."""
    identifiers = [c.identifier for c in checks if c.identifier is not None]
    owners = customers.find_identifier_owners(identifiers, keys)
    named = {c.customer_id for c in checks if c.customer_id is not None}
    named |= {owner for owner, _ in owners.values()}
    purposes = {check.question.purpose for check in checks}
    with reading() as tx:
        gathered = store.gather(tx, named, purposes)
        resolved = customers.resolve_many(list(named.difference(gathered)))
        gathered |= store.gather(tx, set(resolved.values()) - named, purposes)
        addresses = store.list_addresses(tx, _unreachable(gathered))
    nobody_s = [
        i
        for i in identifiers
        if i not in owners or resolved.get(owners[i][0], owners[i][0]) not in gathered
    ]
    marks = suppressions.list_of_identifiers(nobody_s, keys)
    return Known(owners, resolved, gathered, addresses, marks)


def _unreachable(gathered: Mapping[CustomerId, Gathered]) -> Sequence[CustomerId]:
    """Those who have an address that may not be used."""
    return [
        customer
        for customer, found in gathered.items()
        if found.marks
        and any(mark.reason is MarkReason.UNDELIVERABLE for mark in found.marks.values())
    ]
