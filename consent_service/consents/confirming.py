"""The second step of a double opt-in: a letter to the address on file, and its link.

Whoever records the yes, here or over the API, the letter follows. Nothing counts before the link
is used; opening it changes nothing, since programs that read mails open links too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from consent_service.accounts.model import digest, new_token
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, Channel, Purpose
from consent_service.consents import confirming_store, letters, service
from consent_service.consents.model import (
    Event,
    EventKind,
    NewEvent,
    Record,
    State,
    record_for,
)
from consent_service.consents.sealing import open_proof
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import Customer, IdentifierType
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text
from consent_service.mail import service as mail
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.texts import ENGLISH, language_for

LINK_LIFETIME = timedelta(days=7)
BATCH = 50
_AGAIN_AFTER = timedelta(minutes=5)
_MOST_A_DAY = 10  # letters to one person: whoever may record a yes must not fill a mailbox


class Waiting(Struct, frozen=True):
    """A yes that a link would confirm."""

    event: Event
    purpose: Purpose
    catalogue: Catalogue


def send_letters(base_url: str, site: str, now: datetime, keys: Keyring) -> int:
    """Writes the letters for yeses that came in; how many yeses it saw."""
    with reading() as tx:
        waiting = confirming_store.list_waiting(tx, BATCH)
    for place in waiting:
        with unit_of_work() as tx:
            if confirming_store.delete_waiting(tx, place):
                _send(place, base_url, site, now, keys)
    return len(waiting)


def ask_again(
    customer_id: CustomerId, purpose: str, channel: Channel | None, now: datetime
) -> bool:
    """Has another letter sent for a yes that waits; False when none does, or when one was sent
    just now. Raises: NotFound."""
    with unit_of_work() as tx:
        resolved, _ = customers.lock_resolved([customer_id])
        owner = resolved[customer_id]
        record = _record(owner, purpose, channel, now)
        if record is None or record.state is not State.REQUESTED:
            return False
        if confirming_store.count_links(tx, owner, now + LINK_LIFETIME - _AGAIN_AFTER):
            return False
        place = (owner, record.event_id)
        confirming_store.delete_waiting(tx, place)
        confirming_store.add_waiting(tx, [place], now)
    return True


def look_at_link(token: str, now: datetime) -> Waiting | None:
    """What using a link would confirm; None when there is nothing any more. Changes nothing."""
    with reading() as tx:
        place = confirming_store.find_link(tx, digest(token), now)
        return None if place is None else _find(place[0], place[1], now)


def use_link(token: str, now: datetime, keys: Keyring) -> Event | None:
    """Confirms a yes, once. None when the link was used, is too old, or somebody said no since."""
    with unit_of_work() as tx:
        place = confirming_store.find_link(tx, digest(token), now)
        if place is None:
            return None
        resolved, _ = customers.lock_resolved([place[0]])
        owner = resolved[place[0]]
        found = _find(owner, place[1], now)
        if not confirming_store.delete_link(tx, digest(token)) or found is None:
            return None
        proof = open_proof(found.event, data_keys.open_keys(owner, keys))
        actor = Actor(ActorKind.CUSTOMER, customer_id_text(owner))
        return service.record_consent(_yes(found.event, proof, now), actor, now, keys).event


def delete_expired(now: datetime) -> int:
    """Removes links past their time; how many."""
    with unit_of_work() as tx:
        return confirming_store.delete_expired_links(tx, now)


def _yes(asked: Event, proof: Mapping[str, Any], now: datetime) -> NewEvent:
    return NewEvent(
        asked.customer_id,
        asked.purpose,
        EventKind.GIVEN,
        asked.channel,
        asked.notice_version,
        asked.language,
        asked.touchpoint,
        now,
        asked.lifecycle_stage,
        {"confirmed_by": "link", "requested": str(asked.id)},
        None,
        proof.get("guardian"),
        confirmed=True,
    )


def _find(customer_id: CustomerId, event_id: Any, now: datetime) -> Waiting | None:
    """A yes that still waits, and that could be given as it was asked for."""
    event = service.find_event(customer_id, event_id)
    catalogue = catalogues.current()
    if event is None or event.purpose not in catalogue.purposes:
        return None
    purpose = catalogue.purposes[event.purpose]
    try:
        record = _record(customer_id, event.purpose, event.channel, now)
    except NotFound:
        return None  # erased meanwhile
    if record is None or record.state is not State.REQUESTED:
        return None
    outdated = catalogue.is_outdated(purpose.notice, event.notice_version or "", now)
    names_all = event.channel is None and bool(purpose.channels)
    if outdated or names_all or event.language is None:
        return None
    return Waiting(event, purpose, catalogue)


def _record(
    customer_id: CustomerId, purpose: str, channel: Channel | None, now: datetime
) -> Record | None:
    found = service.list_effective(customer_id, None, now)
    records = {(c.purpose.key, c.channel): c.record for c in found if c.record is not None}
    return record_for(records, purpose, channel)


def _send(
    place: confirming_store.Place, base_url: str, site: str, now: datetime, keys: Keyring
) -> None:
    found = _find(*place, now)
    if found is None:
        return
    customer = customers.get_customer(place[0], keys)
    address = _address(customer)
    with unit_of_work() as tx:
        sent = confirming_store.count_links(tx, place[0], now + LINK_LIFETIME - timedelta(days=1))
        if address is None or sent >= _MOST_A_DAY or customer.facts.restricted:
            return
        token, expires_at = new_token(), now + LINK_LIFETIME
        confirming_store.add_link(tx, digest(token), place, expires_at)
        language = language_for(found.event.language) or ENGLISH
        code = (
            language.code if language.code in found.purpose.text else found.catalogue.languages[0]
        )
        text = found.purpose.text[code]
        letter = letters.confirmation(
            address, language, site, text.title, text.description,
            f"{base_url}/choices/confirm/{token}",
        )  # fmt: skip
        life = data_keys.open_keys(customer.id, keys).life
        mail.post(letter, letters.CONFIRMATION, customer.id, life, now, expires_at)


def _address(customer: Customer) -> str | None:
    """The address on file, never one that was only typed."""
    found = next((i for i in customer.identifiers if i.type is IdentifierType.EMAIL), None)
    return None if found is None else found.given if found.given.isascii() else found.value
