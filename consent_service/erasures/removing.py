"""Steps 1 and 2 of erasures, of many people at once: their identifiers are suppressed, and then
they are gone. Whoever cannot go in this round is left for the next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from consent_service.accounts.model import digest, new_token
from consent_service.consents.keeping import keep_proofs
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.aliases import list_ids
from consent_service.customers.opening import OpenCustomer, open_customers
from consent_service.erasures import letters, listed, store
from consent_service.erasures.model import PATIENCE, Erasure
from consent_service.erasures.sealing import seal_who
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.personal_data import service as personal_data
from consent_service.privacy_requests import service as privacy_requests
from consent_service.privacy_requests.letters import Site
from consent_service.privacy_requests.model import Request, outlives
from consent_service.recipients import service as recipients
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import Reason
from consent_service.webhooks import changes

Erasures = Mapping[UUID, Erasure]
_Opened = Mapping[CustomerId, OpenCustomer]


def prepare(requests: Sequence[Request], now: datetime, keys: Keyring) -> None:
    """Suppresses every identifier of those whom requests are about, and begins their erasures."""
    with unit_of_work() as tx:
        opened = open_customers([CustomerId(r.place) for r in requests if r.known], keys)
        _suppress(opened, now, keys)
        there = store.find_many(tx, [request.id for request in requests])
        store.add(tx, [request.id for request in requests if request.id not in there], now)


def remove(
    requests: Sequence[Request], erasures: Erasures, site: Site, now: datetime, keys: Keyring
) -> None:
    """Removes those whom requests are about, as far as all their entries are sealed and all their
    identifiers suppressed. Of whoever is checked all the time something never is: after a while
    they go all the same, and their entries when nothing can be added any more.

    Raises: NotFound when one is merged or erased just now.
    """
    requests = privacy_requests.list_by_ids([request.id for request in requests])
    _note_gone([r for r in requests if not r.known], erasures, now, keys)
    about = {CustomerId(r.place): r for r in requests if r.known}  # of two for one, one is enough
    unsealed = ledger.list_unsealed(list(about))
    ready = [
        place
        for place, request in about.items()
        if place not in unsealed or erasures[request.id].started_at + PATIENCE <= now
    ]
    if not ready:
        return
    bare: _Opened = {}
    with unit_of_work():
        customers.lock_customers(ready)
        opened = open_customers(ready, keys)
        bare = {
            who: found
            for who, found in opened.items()
            if not _is_suppressed(found, erasures[about[who].id], keys)
        }
        going = {who: found for who, found in opened.items() if who not in bare}
        if going:
            _remove(going, {who: about[who] for who in going}, erasures, site, now, keys)
    if bare:  # identifiers came since: they are marked outside, where no lock of ours is held
        _suppress(bare, now, keys)


def _suppress(opened: _Opened, since: datetime, keys: Keyring) -> None:
    marks = [
        (identifier, Reason.ERASED, None, since)
        for found in opened.values()
        for identifier in found.customer.identifiers
    ]
    if marks:
        suppressions.record_suppressions(marks, None, since, keys)


def _is_suppressed(found: OpenCustomer, erasure: Erasure, keys: Keyring) -> bool:
    marks = suppressions.list_of_identifiers(found.customer.identifiers, keys)
    return all(
        any(m.reason is Reason.ERASED and m.happened_at >= erasure.started_at for m in each)
        for each in marks.values()
    )


def _note_gone(
    requests: Sequence[Request], erasures: Erasures, now: datetime, keys: Keyring
) -> None:
    """The person was erased by another request of theirs; recipients were told of this one too."""
    gone = [Erasure(r.id, now, now, who=seal_who([], r.id, keys)) for r in requests]
    with unit_of_work() as tx:
        store.set_erased(tx, [(each, None) for each in gone])


def _remove(
    opened: _Opened,
    about: Mapping[CustomerId, Request],
    erasures: Erasures,
    site: Site,
    now: datetime,
    keys: Keyring,
) -> None:
    """Step 2, in the caller's unit of work, which holds the customers."""
    who = list(opened)
    ids = list_ids(who)
    data_keys = {place: found.keys for place, found in opened.items()}
    places = {place: listed.proof_place(place, keys) for place in who}
    tokens = {place: new_token() for place in who}
    with unit_of_work() as tx:
        under_way = [r for r in privacy_requests.list_of_customers(who) if outlives(r)]
        recipients.tell_of_many(under_way, opened, now, keys)
        of = {place: request.id for place, request in about.items()}
        until = keep_proofs(places, data_keys, now, keys, of)
        listed.put([each for found in ids.values() for each in found], now, keys)
        said = personal_data.erase(who, now)
        changes.announce_erased({entry.id: place for place, entry in said.items()}, keys)
        written = letters.send_last(
            {place: found.customer for place, found in opened.items()}, tokens, site, now, keys
        )
        gone = [
            (
                Erasure(
                    about[place].id,
                    erasures[about[place].id].started_at,
                    now,
                    proof_until=until.get(place),
                    entries=said[place].entries or 0,
                    marks=len(opened[place].customer.identifiers),
                    who=seal_who(ids[place], about[place].id, keys),
                    entry_id=said[place].id,
                ),
                digest(tokens[place]) if place in written else None,
            )
            for place in who
        ]
        store.set_erased(tx, gone)
