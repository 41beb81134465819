"""Lifting a restriction that a person obtained: they are told before it is lifted.

Staff announce it with a reason; the person is written to, and, where there is no address on file,
staff say how they told them. The worker lifts it when the time has come and the letter has gone.
Source: GDPR art. 18(3); ADR 29.
"""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.kernel.actors import SYSTEM, Actor
from consent_service.kernel.errors import Invalid
from consent_service.mail import service as mail
from consent_service.mail.model import Letter
from consent_service.privacy_requests import carriers, letters, store
from consent_service.privacy_requests.letters import Site
from consent_service.privacy_requests.model import (
    BY_LETTER,
    LIFT_NOTICE,
    OPEN,
    STILL_HELD,
    Request,
    RequestKind,
    StepKind,
    Told,
    announce_lift,
    cancel_lift,
)
from consent_service.privacy_requests.restriction import end
from consent_service.privacy_requests.steps import Case, for_each, open_case, put
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.texts import ENGLISH, language_for

_LETTER_LIFETIME = LIFT_NOTICE * 52  # it is not lifted before the letter has gone


def announce(
    request_id: UUID,
    reason: str,
    told: Told | None,
    site: Site,
    actor: Actor,
    now: datetime,
    keys: Keyring,
) -> Request:
    """Writes to the person that the restriction by a request ends in `LIFT_NOTICE`. `told`: how
    staff told them, which is needed where no address is on file. Raises: NotFound, NotLookedUp,
    WrongState, Invalid."""
    with unit_of_work():
        case = open_case(request_id, keys)
        lift_at = now + LIFT_NOTICE
        after = announce_lift(case.request, lift_at)
        customer = customers.get_customer(case.customer, keys)
        address, language = letters.address_of(customer), language_for(customer.language)
        if address is not None:
            letter = letters.lift_announced(
                address, language or ENGLISH, site, after, reason, lift_at
            )
            after = replace(after, lift_letter=_post(case, letter, now))
        elif told is None:
            raise Invalid.at("/told", "required", "No address is on file. Say how they were told.")
        words = BY_LETTER if told is None else told.value
        case = put(case, after, StepKind.LIFT_ANNOUNCED, actor, now, words=words, reason=reason)
    return case.request


def cancel(
    request_id: UUID, reason: str | None, site: Site, actor: Actor, now: datetime, keys: Keyring
) -> Request:
    """Leaves a restriction that was to be lifted. Whom the letter may have reached is written to
    again. Raises: NotFound, NotLookedUp, WrongState."""
    with unit_of_work():
        case = open_case(request_id, keys)
        sent, after = case.request.lift_letter, cancel_lift(case.request)
        if sent is not None and not mail.take_back(case.customer, sent):
            customer = customers.get_customer(case.customer, keys)
            address, language = letters.address_of(customer), language_for(customer.language)
            if address is not None:
                _post(case, letters.lift_cancelled(address, language or ENGLISH, site, after), now)
        case = put(case, after, StepKind.LIFT_CANCELLED, actor, now, reason=reason)
    return case.request


def lift_due(now: datetime, keys: Keyring, *, has_mailbox: bool) -> int:
    """Lifts what is to be lifted by now; how many. `has_mailbox`: letters are not sent but shown.
    What fails in one is logged, and tried again."""

    def find(after: UUID | None, limit: int) -> list[Request]:
        with reading() as tx:
            return store.list_to_lift(tx, now, after, limit)

    def lift(request_id: UUID) -> bool:
        return _lift(request_id, now, keys, has_mailbox)

    return for_each(find, lift, "privacy_requests:restriction:not_lifted")


def _lift(request_id: UUID, now: datetime, keys: Keyring, has_mailbox: bool) -> bool:
    with unit_of_work():
        case = open_case(request_id, keys)
        request = case.request
        if request.lift_at is None or request.lift_at > now or _asks_again(case):
            return False
        letter = request.lift_letter
        if letter is not None and not has_mailbox and mail.is_waiting(case.customer, letter):
            return False
        ended = end(case, now)
        if ended:
            carriers.recipients().tell_end(request, now, keys)
        words = None if ended else STILL_HELD
        after = replace(cancel_lift(request), restricts=False)
        put(case, after, StepKind.LIFTED, SYSTEM, now, words=words)
    return True


def _asks_again(case: Case) -> bool:
    """Whether the person has asked for a stop that is not decided yet."""
    with reading() as tx:
        others = store.list_of_customer(tx, case.customer)
    return any(o.kind is RequestKind.RESTRICTION and o.state in OPEN for o in others)


def _post(case: Case, letter: Letter, now: datetime) -> UUID:
    assert case.life is not None
    return mail.post(letter, letters.LIFT, case.customer, case.life, now, now + _LETTER_LIFETIME)
