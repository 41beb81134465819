"""Writing letters to the outbox, and sending what is in it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from consent_service.crypto.envelope import Field, SealBroken, Sealed, SealingKey, seal, unseal
from consent_service.kernel.errors import MisconfiguredError, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.mail import store
from consent_service.mail.model import WAITED_FOR, Letter, Waiting, retry_at
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 20

KeyOf = Callable[[UUID, Sealed], SealingKey]

_log = structlog.get_logger("consent.mail")


class Unreachable(Exception):
    """The mail server cannot be spoken to: no letter is at fault."""


class Refused(Exception):
    """The mail server will not take this letter, now or, when `for_good`, ever."""

    def __init__(self, *, for_good: bool) -> None:
        self.for_good = for_good
        super().__init__()


class Transport(Protocol):
    """What carries letters away."""

    def send(self, letter: Letter, letter_id: UUID) -> None:
        """Hands one letter over. Raises: Unreachable, Refused."""

    def close(self) -> None:
        """Ends the conversation, if there was one."""


def post(
    letter: Letter,
    kind: str,
    customer: UUID | None,
    key: SealingKey,
    now: datetime,
    expires_at: datetime,
) -> UUID:
    """Writes a letter to the outbox, in the caller's unit of work, sealed under `key`: the
    customer's life key, or a master key when it goes to no customer. `kind` is a constant."""
    letter_id = new_uuid()
    place = letter_id if customer is None else customer
    sealed = seal_letter(letter, place, letter_id, key)
    with unit_of_work() as tx:
        store.add(tx, [Waiting(place, letter_id, kind, sealed, now, expires_at)])
    return letter_id


def is_waiting(customer: UUID, letter_id: UUID) -> bool:
    """Whether a letter to a customer has not gone: it is to be sent, or was refused and something
    waits for it."""
    with reading() as tx:
        return any(each.id == letter_id for each in store.list_of_customer(tx, customer))


def take_back(customer: UUID, letter_id: UUID) -> bool:
    """Takes a letter to a customer out of the outbox; whether it is sure that it did not go."""
    with unit_of_work() as tx:
        if store.delete_untried(tx, customer, letter_id):
            return True
        store.delete_one(tx, customer, letter_id)
    return False


def post_to_nobody(
    letters: Sequence[Letter], kind: str, key: SealingKey, now: datetime, expires_at: datetime
) -> None:
    """As `post`, many that go to no customer."""
    waiting = []
    for letter in letters:
        letter_id = new_uuid()
        sealed = seal_letter(letter, letter_id, letter_id, key)
        waiting.append(Waiting(letter_id, letter_id, kind, sealed, now, expires_at))
    with unit_of_work() as tx:
        store.add(tx, waiting)


def deliver(transport: Transport, key_of: KeyOf, now: datetime) -> int:
    """Sends what is due; how many letters went. A letter is put off before it is tried, so that
    one that ends a worker does not come first again. Its own row goes when it was handed over:
    a worker that dies in between sends it twice, and never not at all."""
    with reading() as tx:
        due = store.list_due(tx, now, BATCH)
    sent = 0
    try:
        for waiting in due:
            sent += _deliver_one(waiting, transport, key_of, now)
    except Unreachable:
        _log.error("mail:server:unreachable", waiting=len(due) - sent)
    finally:
        transport.close()
    return sent


def list_newest(key_of: KeyOf, limit: int) -> list[tuple[Waiting, Letter]]:
    """The letters in the outbox, opened, the newest first: the demo's mailbox."""
    with reading() as tx:
        found = store.list_newest(tx, limit)
    return [(each, open_letter(each, key_of(each.place, each.sealed))) for each in found]


def is_one_due(now: datetime) -> bool:
    """Whether a letter's time has come."""
    return store.is_one_due(now)


def delete_expired(now: datetime) -> int:
    """Removes letters that say nothing that still holds; how many."""
    with unit_of_work() as tx:
        gone = store.delete_expired(tx, now)
    if gone:
        _log.warning("mail:letters:expired", count=gone)
    return gone


def seal_letter(letter: Letter, place: UUID, letter_id: UUID, key: SealingKey) -> Sealed:
    """A letter as it is kept."""
    plain = [letter.to, letter.language, letter.subject, letter.text, letter.html]
    return seal(key, _field(place, letter_id), json.dumps(plain, ensure_ascii=False).encode())


def open_letter(waiting: Waiting, key: SealingKey) -> Letter:
    """A letter in the clear. Raises: SealBroken."""
    return Letter(*json.loads(unseal(key, _field(waiting.place, waiting.id), waiting.sealed)))


def _deliver_one(waiting: Waiting, transport: Transport, key_of: KeyOf, now: datetime) -> bool:
    tries = waiting.failed_tries + 1
    with unit_of_work() as tx:
        if not store.put_off(tx, waiting, tries, retry_at(tries, now)):
            return False
    about = {"letter": waiting.id.hex, "kind": waiting.kind, "tries": tries}
    try:
        letter = open_letter(waiting, key_of(waiting.place, waiting.sealed))
        transport.send(letter, waiting.id)
    except Refused as refusal:
        if not refusal.for_good:
            _log.warning("mail:letter:put_off", **about)
            return False
        _log.warning("mail:letter:refused", **about)
        if waiting.kind in WAITED_FOR:
            with unit_of_work() as tx:
                store.put_off(tx, replace(waiting, failed_tries=tries), tries, waiting.expires_at)
            return False
    except (NotFound, SealBroken, MisconfiguredError) as error:
        _log.error("mail:letter:unreadable", **about, error_kind=type(error).__name__)
        return False
    else:
        _log.info("mail:letter:sent", **about)
    with unit_of_work() as tx:
        store.delete_one(tx, waiting.place, waiting.id)
    return True


def _field(place: UUID, letter_id: UUID) -> Field:
    return Field("mail.letter", place, letter_id)
