"""Recording uses of data that happened."""

from datetime import datetime
from uuid import UUID

import msgspec

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents.model import AHEAD_TOLERATED, check_touchpoint
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as customer_keys
from consent_service.customers import service as customers
from consent_service.decisions import service as decisions
from consent_service.decisions.model import Outcome
from consent_service.disclosures.model import Statement, Use, breach_of
from consent_service.kernel.errors import FieldError, Invalid
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.oauth.model import Caller
from consent_service.screenings import service as screenings

_SCREENED = "screened"


def record_use(
    use: Use, place: UUID, decision_id: UUID, client: Caller, now: datetime, keys: Keyring
) -> Entry:
    """Logs a use that rests on a decision which this client asked for, or that was about one of
    its recipients; as a breach where it was not what the decision permitted. Raises: NotFound,
    Invalid."""
    found = decisions.get_entry(place, decision_id, client.client_id, keys, client.recipients)
    said = msgspec.convert(found, Statement)
    known = customers.resolve(CustomerId(place)) if said.known else None
    return _record(use, said, known, decision_id, client, now, keys)


def record_audience_use(
    use: Use, screening_id: UUID, client: Caller, now: datetime, keys: Keyring
) -> Entry:
    """As `record_use`, of the people that a screening permitted. Raises: NotFound, Invalid."""
    found = screenings.get_summary(screening_id, client.client_id, client.recipients)
    said = msgspec.convert(
        {
            **found,
            "outcome": (Outcome.PERMIT if found["permitted"] else Outcome.DENY).value,
            "reason": _SCREENED,
            "known": False,
        },
        Statement,
    )
    return _record(use, said, None, screening_id, client, now, keys)


def _record(
    use: Use,
    said: Statement,
    about: CustomerId | None,
    cites: UUID,
    client: Caller,
    now: datetime,
    keys: Keyring,
) -> Entry:
    catalogue = catalogues.current()
    _check_use(use, catalogue, now)
    breach = breach_of(use, said)
    entry_id = new_uuid()
    entry = Entry(
        entry_id,
        entry_id if about is None else about,
        about is not None,
        EntryKind.DISCLOSURE,
        min(use.occurred_at, now),
        now,
        client_id=client.client_id,
        purpose=said.purpose,
        channel=said.channel,
        data_categories=use.data_categories,
        recipient=use.recipient,
        touchpoint=use.touchpoint,
        outcome=(Outcome.PERMIT if breach is None else Outcome.DENY).value,
        reason=said.reason if breach is None else breach.value,
        catalogue_version=catalogue.version,
        cites=cites,
    )
    logged = _sealed(entry, said, keys)
    ledger.append([logged])
    return logged


def _sealed(entry: Entry, said: Statement, keys: Keyring) -> Entry:
    if not entry.known:
        return ledger.bare_entry(entry)
    life = customer_keys.open_keys(CustomerId(entry.place), keys).life
    return ledger.sealed_entry(entry, {"decision": msgspec.to_builtins(said)}, life)


def _check_use(use: Use, catalogue: Catalogue, now: datetime) -> None:
    """Clear columns name what the catalogue knows, and nothing that a caller makes up."""
    if use.occurred_at > now + AHEAD_TOLERATED:
        raise Invalid.at("/occurred_at", "in_the_future", "A use cannot be dated ahead.")
    check_touchpoint(use.touchpoint, catalogue, "")
    if use.recipient not in catalogue.recipients:
        raise Invalid.at("/recipient", "unknown_recipient", "Not in the catalogue.")
    unknown = tuple(
        FieldError(f"/data_categories/{at}", "unknown_data_category", "Not in the catalogue.")
        for at, key in enumerate(use.data_categories)
        if key not in catalogue.data_categories
    )
    if unknown:
        raise Invalid(errors=unknown)
