"""Letting fields of profiles go that no purpose needs any more, by the catalogue. Whoever is
restricted, or has a request under way or held, waits: what was asked for comes first. Source:
ADR 30."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, Channel
from consent_service.catalogue.service import NoCatalogue
from consent_service.consents import service as consents
from consent_service.consents.model import Record
from consent_service.crypto.keyring import Keyring
from consent_service.customers import trimming
from consent_service.customers.model import Life
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.privacy_requests import service as privacy_requests
from consent_service.privacy_requests.model import OPEN
from consent_service.profile_retention.model import (
    SETTLED_AFTER,
    Held,
    categories_of_fields,
    fields_past,
    purposes_of_consent,
)
from consent_service.storage.unit_of_work import unit_of_work

PREFIX = "profile_field."

_BATCH = 1_000
_AT_ONCE = 100
_REST = timedelta(hours=1)

Past = dict[CustomerId, frozenset[str]]


class Round:
    """Walks through all customers, a batch at a time, rests for an hour, and begins anew."""

    def __init__(self) -> None:
        self._after: CustomerId | None = None
        self._rests_until: datetime | None = None

    def forget(self, now: datetime, keys: Keyring) -> int:
        """Removes what is past its time of the next customers, and logs how much of each field;
        how much."""
        catalogue = _settled(now)
        if catalogue is None or (self._rests_until is not None and now < self._rests_until):
            return 0
        found = trimming.list_after(self._after, _BATCH)
        self._rests_until = None if len(found) == _BATCH else now + _REST
        self._after = found[-1].id if len(found) == _BATCH else None
        due = list(_past(found, catalogue, now))
        return sum(
            _remove(due[at : at + _AT_ONCE], catalogue, now, keys).total()
            for at in range(0, len(due), _AT_ONCE)
        )


def _settled(now: datetime) -> Catalogue | None:
    """The catalogue, when it says anything of fields, and has been in force for a while."""
    try:
        catalogue = catalogues.current()
    except NoCatalogue:
        return None
    is_settled = catalogue.recorded_from + SETTLED_AFTER <= now
    return catalogue if is_settled and categories_of_fields(catalogue) else None


def _remove(
    customer_ids: Sequence[CustomerId], catalogue: Catalogue, now: datetime, keys: Keyring
) -> Counter[str]:
    """Removes it of customers who, once locked, still have something that is past its time."""
    with unit_of_work():
        lives = {life.id: life for life in trimming.lock(customer_ids)}
        past = _past(list(lives.values()), catalogue, now)
        gone = trimming.remove_fields(past, lives, now, keys)
        ledger.append_removals({PREFIX + field: count for field, count in gone.items()}, now)
    return gone


def _past(lives: Sequence[Life], catalogue: Catalogue, now: datetime) -> Past:
    """What is past its time of whoever does not wait, and was not found to be without it."""
    free = [life for life in lives if not life.restricted]
    records: dict[CustomerId, dict[tuple[str, Channel | None], Record]] = {}
    in_force = consents.list_in_force([life.id for life in free], purposes_of_consent(catalogue))
    for (customer, purpose, channel), record in in_force.items():
        records.setdefault(customer, {})[purpose, channel] = record
    past: Past = {}
    for life in free:
        held = Held(life.since, life.jurisdiction, records.get(life.id, {}))
        fields = fields_past(catalogue, held, now)
        if fields and not trimming.is_without(life, fields):
            past[life.id] = fields
    waiting = {
        request.place
        for request in privacy_requests.list_of_customers(list(past))
        if request.state in OPEN
    }
    return {customer: fields for customer, fields in past.items() if customer not in waiting}
