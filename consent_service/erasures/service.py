"""Carrying out erasures, restrictive first and acknowledged last.

Processing is restricted since the request was confirmed. Then, each step a unit of work that finds
done what was done:

1. every identifier is suppressed;
2. under the customer's lock, once all their entries are sealed: recipients are told, what proves
   consents is kept apart, the person gets a last letter, is put on the list of the erased, and
   every room removes its rows, the keys with them; the log says how many entries went, and feed
   and webhooks whom it was;
3. a minute later, when no statement can be under way any more that began before: whatever came in
   meanwhile goes too;
4. the files are cleaned (`cleaning`);
5. once all recipients have answered and webhooks were sent, the certificate; whom it was of is
   forgotten with it.

A worker that dies begins again where it stands. Source: ADR 23.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from consent_service.accounts.model import digest
from consent_service.crypto import signing
from consent_service.crypto.keyring import Keyring
from consent_service.erasures import store
from consent_service.erasures.model import SWEEP_AFTER, Erasure, NoCertificateYet, certificate_of
from consent_service.erasures.removing import Erasures, prepare, remove
from consent_service.erasures.sealing import open_who
from consent_service.kernel.errors import NotFound
from consent_service.personal_data import service as personal_data
from consent_service.privacy_requests.carriers import CarrierOfMany, Outcome
from consent_service.privacy_requests.letters import Site
from consent_service.privacy_requests.model import OPEN, Request, RequestKind, request_id_text
from consent_service.privacy_requests.steps import get_request
from consent_service.recipients import service as recipients
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.webhooks import changes
from consent_service.webhooks import service as webhooks

CERTIFICATE = "erasure-certificate+jws"

_log = structlog.get_logger("consent.erasures")


def carrier(site: Callable[[], Site]) -> CarrierOfMany:
    """The carrier of erasures, for `app.py`. `site` is where the service is."""

    def carry(found: Sequence[Request], now: datetime, keys: Keyring) -> dict[UUID, Outcome]:
        return _carry(found, site(), now, keys)

    return carry


def get_certificate(request_id: UUID) -> str:
    """The certificate of an erasure. Raises: NotFound, NoCertificateYet."""
    request = get_request(request_id)
    with reading() as tx:
        erasure = store.find(tx, request_id)
    if erasure is not None and erasure.certificate is not None:
        return erasure.certificate
    if erasure is not None or (request.kind is RequestKind.ERASURE and request.state in OPEN):
        raise NoCertificateYet()
    raise NotFound()


def find_wait(request_id: UUID) -> str | None:
    """What an erasure that is done here waits for, whoever received the data having answered."""
    with reading() as tx:
        erasure = store.find(tx, request_id)
    if erasure is None or erasure.cleaned_at is None or erasure.entry_id is None:
        return None
    return "webhooks" if changes.list_untold([erasure.entry_id]) else None


def find_by_link(token: str) -> Erasure | None:
    """The erasure that the person's last letter leads to."""
    with reading() as tx:
        return store.find_by_link(tx, digest(token))


def _carry(
    found: Sequence[Request], site: Site, now: datetime, keys: Keyring
) -> dict[UUID, Outcome]:
    with reading() as tx:
        kept = store.find_many(tx, [request.id for request in found])
    new = [request for request in found if request.id not in kept]
    there = [r for r in found if r.id in kept and kept[r.id].erased_at is None]
    _together(new, partial(prepare, now=now, keys=keys))
    _together(there, partial(remove, erasures=kept, site=site, now=now, keys=keys))
    gone = [r for r in found if r.id in kept and _is_to_sweep(kept[r.id], now)]
    _together(gone, partial(_sweep, erasures=kept, now=now, keys=keys))
    cleaned = [r for r in found if r.id in kept and kept[r.id].cleaned_at is not None]
    return _certify(cleaned, kept, site, now, keys)


def _together(requests: Sequence[Request], act: Callable[[Sequence[Request]], None]) -> None:
    """Does it for all at once, and one by one where that fails: one person's fault is not
    another's. It is logged, and tried again in the next round."""
    if not requests:
        return
    try:
        act(requests)
    except Exception as error:
        for request in requests if len(requests) > 1 else ():
            _together([request], act)
        if len(requests) == 1:
            about = request_id_text(requests[0].id)
            _log.error("erasures:erasure:put_off", request=about, error_kind=type(error).__name__)


def _is_to_sweep(erasure: Erasure, now: datetime) -> bool:
    at = erasure.erased_at
    return at is not None and erasure.swept_at is None and at + SWEEP_AFTER <= now


def _sweep(requests: Sequence[Request], erasures: Erasures, now: datetime, keys: Keyring) -> None:
    """Step 3: hardly anybody has anything left, and of whoever has it goes too. The
    next round looks whether that is all."""
    who = {request.id: open_who(erasures[request.id], keys) for request in requests}
    left = personal_data.find_left([each for ids in who.values() for each in ids])
    with unit_of_work() as tx:
        store.set_swept(tx, [i for i, ids in who.items() if left.isdisjoint(ids)], now)
    for request_id, ids in who.items():
        again = [each for each in ids if each in left]
        if again:
            with unit_of_work() as tx:
                said = personal_data.erase(again, now).values()
                more = sum(entry.entries or 0 for entry in said)
                store.add_entries(tx, erasures[request_id], more)


def _certify(
    requests: Sequence[Request], erasures: Erasures, site: Site, now: datetime, keys: Keyring
) -> dict[UUID, Outcome]:
    """Step 5, of those whose recipients have all answered, or who had none, once webhooks were sent
    whom it was of or have given up. From then on nothing says it."""
    tasks = recipients.list_of_many([request.id for request in requests])
    told_by = {made: r.id for r in requests if (made := erasures[r.id].entry_id) is not None}
    untold = {told_by[each] for each in changes.list_untold(told_by)}
    outcomes, certificates = {}, {}
    for request in requests:
        of_this = tasks.get(request.id, [])
        if request.id in untold or any(task.ended_at is None for task in of_this):
            continue
        claims = certificate_of(erasures[request.id], request, of_this, site.base_url, now)
        certificates[request.id] = signing.sign(keys, CERTIFICATE, claims)
        outcomes[request.id] = recipients.outcome_of(of_this)
    with unit_of_work() as tx:
        store.set_certificates(tx, certificates)
        changes.forget_erased([made for made, of in told_by.items() if of in certificates])
        webhooks.forget_told([task.id for of in certificates for task in tasks.get(of, ())])
    return outcomes
