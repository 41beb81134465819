"""Logging answers about people who may be erased meanwhile: of nobody who is gone a line is added
any more. Whoever is told so asks again, and gets the answer about somebody unknown.

For one answer the statement itself looks whether the customer is there; for many a look in the
same transaction does. On PostgreSQL an erasure that commits between the look and the commit is
not seen: what comes in then goes a minute later, when the erasure looks once more (ADR 23).
"""

from collections.abc import Sequence

from consent_service.decisions import one_store, store
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Answer, Entry
from consent_service.storage.unit_of_work import unit_of_work


def append_one(entry: Entry) -> bool:
    """Adds one entry by one statement. False, and nothing, when its customer is gone. Raises:
    NotLogged."""
    return ledger.append_alone(entry, one_store.add_while_there if entry.known else None)


def append_all(batch: Entry, answers: Sequence[Answer]) -> bool:
    """Adds answers that were given together. False, and nothing, when a customer is gone. Raises:
    Unavailable."""
    with unit_of_work() as tx:
        there = store.are_there(tx, {each.place for each in answers if each.said.known})
        if there:
            ledger.append_batch(ledger.bare_entry(batch), answers)
    return there
