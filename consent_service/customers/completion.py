"""Adding what is not known yet of customers who are here already. Nothing is overwritten."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from consent_service.crypto.envelope import Sealed
from consent_service.crypto.keyring import Keyring
from consent_service.customers import identifiers_store, service, store
from consent_service.customers import keys as data_keys
from consent_service.customers.log import CHANGED, log_changes
from consent_service.customers.model import Identifier, Particulars, StoredIdentifier
from consent_service.customers.sealing import (
    open_identifier,
    open_profile,
    seal_identifier,
    seal_profile,
)
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work


def list_particulars(
    customer_ids: Sequence[CustomerId], keys: Keyring
) -> dict[CustomerId, Particulars]:
    """What is known of customers. Raises: NotFound."""
    if not customer_ids:
        return {}
    with reading() as tx:
        profiles = store.list_profiles(tx, customer_ids)
        stored = identifiers_store.list_identifiers(tx, customer_ids)
        opened = data_keys.open_many(customer_ids, keys)
    if len(profiles) != len(opened):
        raise NotFound()
    identifiers: dict[CustomerId, list[Identifier]] = {}
    for kept in stored:
        life = opened[kept.customer_id].life
        identifiers.setdefault(kept.customer_id, []).append(open_identifier(kept, life))
    return {
        customer: Particulars(
            identifiers.get(customer, ()), open_profile(customer, sealed, opened[customer].life)
        )
        for customer, sealed in profiles.items()
    }


def complete_customers(
    wanted: Mapping[CustomerId, Particulars], now: datetime, keys: Keyring
) -> frozenset[CustomerId]:
    """Adds what is not known of these customers yet; those of whom something was not.

    Raises: NotFound; IdentifierKnown when an identifier belongs to somebody else.
    """
    with unit_of_work() as tx:
        revisions = service.lock_customers(wanted)
        known = list_particulars(sorted(wanted), keys)
        missing = {
            customer: found
            for customer in sorted(wanted)
            if (found := _missing(wanted[customer], known[customer]))
        }
        opened = data_keys.open_many(list(missing), keys)
        profiles: dict[CustomerId, Sealed] = {}
        stored: list[StoredIdentifier] = []
        plain: list[Identifier] = []
        for customer, found in missing.items():
            life = opened[customer].life
            if found.profile:
                whole = {**known[customer].profile, **found.profile}
                profiles[customer] = seal_profile(customer, whole, life)
            stored += [seal_identifier(customer, i, life, now, keys) for i in found.identifiers]
            plain += found.identifiers
        raised = {customer: revisions[customer] + 1 for customer in missing}
        service.set_revisions(raised)
        log_changes(raised, CHANGED, SYSTEM, now)
        store.set_profiles(tx, profiles, now)
        service.add_identifiers(stored, plain, now, keys)
    return frozenset(missing)


def _missing(wanted: Particulars, known: Particulars) -> Particulars | None:
    have = {(i.type, i.value) for i in known.identifiers}
    identifiers = [i for i in wanted.identifiers if (i.type, i.value) not in have]
    profile = {name: v for name, v in wanted.profile.items() if name not in known.profile}
    return Particulars(identifiers, profile) if identifiers or profile else None
