"""Everything about one customer, across rooms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any
from uuid import UUID

from consent_service.accounts import personal_data as accounts
from consent_service.catalogue import service as catalogues
from consent_service.consents import personal_data as consents
from consent_service.crypto.data_keys import Holder
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import personal_data as customers_data
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Conflict
from consent_service.kernel.ids import CustomerId, customer_id_text, new_uuid
from consent_service.ledger import personal_data as ledger_data
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.mail import personal_data as mail
from consent_service.oauth import personal_data as oauth
from consent_service.packages import personal_data as packages
from consent_service.personal_data import store
from consent_service.preference_links import personal_data as preference_links
from consent_service.privacy_requests import personal_data as privacy_requests
from consent_service.recipients import personal_data as recipients
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.suppressions import personal_data as suppressions
from consent_service.web import personal_data as web
from consent_service.webhooks import personal_data as webhooks

ROOMS: Sequence[ModuleType] = (
    web,
    mail,
    oauth,
    accounts,
    ledger_data,
    webhooks,  # after the log, whose entries are held while deliveries are made of them
    suppressions,
    consents,
    preference_links,
    recipients,  # before the requests that they belong to
    privacy_requests,
    packages,  # after the requests, of which they are
    customers_data,  # last: the keys go with it
)


class SameCustomer(Conflict):
    """There is nothing to merge."""

    code = "same_customer"
    detail = "Both ids lead to the same customer."


def export(customer_id: CustomerId, keys: Keyring) -> dict[str, Any]:
    """All that is held of a customer, by table; of what there may be very much, a stream. Raises:
    NotFound."""
    with reading() as tx:
        found = customers.get_record(customer_id).id
        opened = data_keys.open_keys(found, keys)
        parts: dict[str, Any] = {}
        for room in ROOMS:
            parts |= room.export(tx, found, opened)
    return parts


def erase(customer_ids: Sequence[CustomerId], now: datetime) -> dict[CustomerId, Entry]:
    """Removes what every room holds of customers, in the caller's unit of work, and logs for each,
    of nobody, how many entries of the log went; what was logged. Nothing that is left is nothing
    to do. Of whoever has entries without a leaf those of the log stay for another time."""
    gone: Mapping[UUID, int] = {}
    with unit_of_work() as tx:
        unsealed = ledger.list_unsealed(customer_ids)
        for room in ROOMS:
            if room is ledger_data:
                gone = ledger_data.forget(tx, [i for i in customer_ids if i not in unsealed])
            else:
                room.erase(tx, customer_ids)
        said = {customer_id: _erased(gone.get(customer_id, 0), now) for customer_id in customer_ids}
        ledger.append(list(said.values()))
    return said


def find_left(customer_ids: Sequence[CustomerId]) -> set[CustomerId]:
    """Those of whom any room still holds anything."""
    with reading() as tx:
        return {CustomerId(found) for found in store.list_left(tx, customer_ids)}


def merge(
    kept_id: CustomerId, absorbed_id: CustomerId, actor: Actor, now: datetime, keys: Keyring
) -> CustomerId:
    """Makes two customers one. A no on either side wins, the stricter jurisdiction and
    restriction win, the absorbed id stays good as an alias; the merge is logged.

    Raises: NotFound, SameCustomer.
    """
    with unit_of_work() as tx:
        ids, _ = customers.lock_resolved([kept_id, absorbed_id])
        kept_id, absorbed_id = ids[kept_id], ids[absorbed_id]
        if kept_id == absorbed_id:
            raise SameCustomer()
        opened = data_keys.open_many([kept_id, absorbed_id], keys)
        jurisdictions = [customers.get_record(i).facts.jurisdiction for i in ids.values()]
        kept = Holder(kept_id, opened[kept_id])
        absorbed = Holder(absorbed_id, opened[absorbed_id])
        for room in ROOMS:
            room.absorb(tx, kept, absorbed, now)
        strictest = catalogues.current().strictest(jurisdictions)
        customers.set_merged_jurisdiction(kept_id, strictest, now)
        ledger.append([_entry(kept, absorbed_id, actor, now)])
    return kept_id


def _erased(entries: int, now: datetime) -> Entry:
    entry_id = new_uuid()
    entry = Entry(entry_id, entry_id, False, EntryKind.ERASURE, now, now, entries=entries)
    return ledger.bare_entry(entry)


def _entry(kept: Holder, absorbed_id: CustomerId, actor: Actor, now: datetime) -> Entry:
    entry = Entry(
        new_uuid(),
        kept.customer,
        True,
        EntryKind.STAFF_ACT,
        now,
        now,
        client_id=actor.in_log,
        reason="customer_merged",
        cites=absorbed_id,
        revision=customers.get_record(kept.customer).revision,
    )
    payload = {"absorbed": customer_id_text(absorbed_id)}
    return ledger.sealed_entry(entry, payload, kept.keys.life)
