"""Privacy requests come in, and are looked up.

What handing one in does is the same whoever is named: two rows. Whether there is such a customer
is looked up by the worker, so that neither the answer, its date nor its time tells (ADR 20).
"""

from datetime import datetime

from msgspec.structs import replace

from consent_service.accounts.model import digest, new_token
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.deadlines import due_at
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import Customer, Identifier, IdentifierType
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.mail import service as mail
from consent_service.privacy_requests import letters, link_store, store
from consent_service.privacy_requests.confirming import confirm
from consent_service.privacy_requests.letters import Site
from consent_service.privacy_requests.model import (
    LINK_LIFETIME,
    NOBODY_KNOWN,
    IdentityProof,
    Intake,
    Request,
    RequestKind,
    RequestState,
    StepKind,
)
from consent_service.privacy_requests.restriction import restrict
from consent_service.privacy_requests.sealing import Asked, open_asked, seal_asked, seal_note
from consent_service.privacy_requests.steps import Case, get_request, go, record
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 50


def submit(
    asked: Asked, kind: RequestKind, touchpoint: str | None, now: datetime, keys: Keyring
) -> Request:
    """Takes a request in, from a client. It is due as early as any jurisdiction wants until it is
    known whose it is. Raises: Invalid."""
    _check_touchpoint(touchpoint)
    request_id = new_uuid()
    due = due_at(catalogues.current(), None, kind, now)
    request = Request(
        request_id, request_id, False, kind, RequestState.RECEIVED, now, due, False, touchpoint
    )
    with unit_of_work() as tx:
        store.add_request(tx, request)
        store.add_intake(tx, Intake(request_id, seal_asked(asked, request_id, keys), now))
    return request


def submit_own(
    asked: Asked,
    kind: RequestKind,
    touchpoint: str | None,
    *,
    fresh: bool,
    site: Site,
    now: datetime,
    keys: Keyring,
) -> Request:
    """Takes a request in from the customer whom `asked` names. It is confirmed at once when they
    signed in just now (`fresh`), else by the link that is sent; an erasure restricts at once.
    Raises: NotFound, Invalid."""
    _check_touchpoint(touchpoint)
    asked_id = new_uuid()
    with unit_of_work():
        customer = _lock(asked, keys)
        if customer is None:
            raise NotFound()
        new = Request(
            asked_id, asked_id, False, kind, RequestState.RECEIVED, now, now, True, touchpoint
        )
        case = _add(new, asked, customer, now, keys)
        if kind is RequestKind.ERASURE:
            case = restrict(case, now)
        if fresh:
            case = confirm(case, IdentityProof.FRESH_SIGN_IN, asked.actor, now)
        else:
            _send_link(case, customer, asked, site, now)
    return case.request


def look_up(site: Site, now: datetime, keys: Keyring) -> int:
    """Finds out whose the requests are that came in, and sends each person a link to confirm;
    how many it saw."""
    with reading() as tx:
        waiting = store.list_intake(tx, BATCH)
    for intake in waiting:
        with unit_of_work() as tx:
            if store.delete_intake(tx, intake.id):
                _settle(intake, site, now, keys)
    return len(waiting)


def _settle(intake: Intake, site: Site, now: datetime, keys: Keyring) -> None:
    asked = open_asked(intake, keys)
    request = get_request(intake.id)
    customer = _lock(asked, keys)
    with unit_of_work() as tx:
        store.delete_request(tx, request)
    if customer is None:
        _reject_unknown(request, asked, now)
        return
    case = _add(request, asked, customer, now, keys)
    _send_link(case, customer, asked, site, now)


def _lock(asked: Asked, keys: Keyring) -> Customer | None:
    """Whom a request names, locked; None when that is nobody here."""
    named = asked.subject
    found = customers.find_by_identifier(named, keys) if isinstance(named, Identifier) else named
    if found is None:
        return None
    try:
        return customers.get_customer(customers.lock_resolved([found])[0][found], keys)
    except NotFound:
        return None  # never known, or erased


def _add(new: Request, asked: Asked, customer: Customer, now: datetime, keys: Keyring) -> Case:
    """Places a request with its customer, due as their jurisdiction says."""
    life = data_keys.open_keys(customer.id, keys).life
    since = new.received_at
    due = due_at(catalogues.current(), customer.facts.jurisdiction, new.kind, since)
    note = seal_note(asked.note, customer.id, new.id, life)
    placed = replace(
        new, place=customer.id, known=True, looked_up=True, due_at=due, note=note, steps=1
    )
    case = Case(placed, life)
    with unit_of_work() as tx:
        store.add_request(tx, placed)
    record(case, StepKind.RECEIVED, asked.actor, since, now)
    return case


def _reject_unknown(request: Request, asked: Asked, now: datetime) -> None:
    """About nobody known: that it came is kept, and neither whom it named nor what it said."""
    kept = replace(request, looked_up=True, steps=1)
    case = Case(kept, None)
    with unit_of_work() as tx:
        store.add_request(tx, kept)
    record(case, StepKind.RECEIVED, asked.actor, request.received_at, now)
    go(case, RequestState.REJECTED, SYSTEM, now, words=NOBODY_KNOWN)


def _send_link(case: Case, customer: Customer, asked: Asked, site: Site, now: datetime) -> None:
    """Sends the link to the address on file, and nowhere when there is none: staff confirm."""
    address = _address(customer, asked)
    if address is None:
        return
    token, expires_at = new_token(), now + LINK_LIFETIME
    letter = letters.confirmation(address, customer.language, site, case.request.kind, token)
    assert case.life is not None
    with unit_of_work() as tx:
        link_store.add_link(tx, digest(token), customer.id, case.request.id, expires_at)
    mail.post(letter, letters.CONFIRMATION, customer.id, case.life, now, expires_at)


def _address(customer: Customer, asked: Asked) -> str | None:
    """The address on file that was named, else the first on file."""
    on_file = [i for i in customer.identifiers if i.type is IdentifierType.EMAIL]
    named = asked.subject.value if isinstance(asked.subject, Identifier) else None
    found = next((i for i in on_file if i.value == named), on_file[0] if on_file else None)
    return None if found is None else found.given if found.given.isascii() else found.value


def _check_touchpoint(touchpoint: str | None) -> None:
    if touchpoint is not None and touchpoint not in catalogues.current().touchpoints:
        raise Invalid.at("/touchpoint", "unknown_touchpoint", "Not in the catalogue.")
