"""Letters about requests that somebody has to know of: people, that theirs takes longer or has
ended; officers, what is due. What a step made untold is told here by the worker, so that a letter
is written once, whatever dies."""

from datetime import datetime, timedelta
from uuid import UUID

from consent_service.accounts import staff
from consent_service.accounts.model import Role
from consent_service.catalogue import service as catalogues
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.mail import service as mail
from consent_service.privacy_requests import letters, store
from consent_service.privacy_requests.letters import Counts, Site
from consent_service.privacy_requests.model import REMIND_BEFORE, TOLD_STEPS, Request
from consent_service.privacy_requests.sealing import open_reason
from consent_service.privacy_requests.steps import for_each, open_case
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.texts import ENGLISH, language_for

_LISTED = 50
_ANY_LEVEL = len(REMIND_BEFORE) + 1
_TRIED_FOR = timedelta(days=7)
_DIGEST_HOLDS = timedelta(days=1)


def tell(site: Site, now: datetime, keys: Keyring) -> int:
    """Writes to everybody who is to be told of their request; of how many requests. What fails in
    one is logged, and tried again."""

    def find(after: UUID | None, limit: int) -> list[Request]:
        with reading() as tx:
            return store.list_untold(tx, now, after, limit)

    def write(request_id: UUID) -> bool:
        return _tell(request_id, site, now, keys)

    return for_each(find, write, "privacy_requests:request:not_told")


def send_digests(site: Site, now: datetime, keys: Keyring) -> int:
    """Writes to every officer, at most once a day, which requests are overdue or due in seven days;
    how many letters. Without such requests none is written."""
    overdue, soon, later = _count_due(now)
    if not later:
        return 0
    with reading() as tx:
        due = store.list_due_before(tx, now + REMIND_BEFORE[0], _ANY_LEVEL, _LISTED)
    counts = Counts(overdue, soon - overdue, later - soon)
    language = language_for(catalogues.current().languages[0]) or ENGLISH
    sent = 0
    for officer, address in staff.list_emails(Role.OFFICER, keys):
        with unit_of_work():
            if staff.take_turn(officer, now):
                letter = letters.digest(address, language, site, counts, due)
                mail.post(letter, letters.DIGEST, None, keys.master, now, now + _DIGEST_HOLDS)
                sent += 1
    return sent


def _count_due(now: datetime) -> list[int]:
    """Open requests that are overdue; those and the ones due in two days; and in seven."""
    with reading() as tx:
        return [store.count_due_before(tx, now + each) for each in reversed(REMIND_BEFORE)]


def _tell(request_id: UUID, site: Site, now: datetime, keys: Keyring) -> bool:
    with unit_of_work() as tx:
        case = open_case(request_id, keys)
        request = case.request
        if request.untold_since is None or case.life is None:
            return False
        steps = [s for s in store.list_steps(tx, request) if s.kind in TOLD_STEPS]
        customer = customers.get_customer(case.customer, keys)
        address, language = letters.address_of(customer), language_for(customer.language)
        if steps and address is not None:
            reason = open_reason(steps[-1], case.life)
            letter = letters.of_step(
                address, language or ENGLISH, site, request, steps[-1].kind, reason
            )
            until = now + _TRIED_FOR
            mail.post(letter, letters.STEP, case.customer, case.life, now, until)
        return store.set_told(tx, request)
