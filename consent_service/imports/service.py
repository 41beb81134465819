"""Bringing an export in."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.consents import service as consents
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.keyring import Keyring
from consent_service.customers import completion
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierKnown, IdentifierType
from consent_service.imports.mailchimp import open_export
from consent_service.imports.mapping import read_row
from consent_service.imports.model import (
    ImportOptions,
    Refusal,
    Row,
    Said,
    Summary,
    Terms,
    check_options,
)
from consent_service.imports.planning import Known, Person, Plan, plan_batch
from consent_service.imports.refusals import Refusals
from consent_service.kernel.actors import Actor
from consent_service.kernel.clock import Clock
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.storage import statistics
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import is_erased

BATCH = 1_000
_MANY = 1_000
TRIES = 5


def count_rows(path: Path) -> int:
    """How many rows an export has. Raises: Invalid when it cannot be read to its end."""
    with open_export(path) as export:
        return export.count_rows()


def import_mailchimp(
    path: Path,
    options: ImportOptions,
    actor: Actor,
    now: datetime,
    keys: Keyring,
    progress: Callable[[int], None],
    clock: Clock | None = None,
) -> Summary:
    """Brings an export in; `progress` is told how many rows more are done.

    It is read to its end before anything is written, so that a damaged one changes nothing.
    Then each batch is one transaction: stopped midway, the next run completes it, and a run of
    what is known already writes nothing at all. Batches are recorded at `now`, or each at its
    own time by `clock`.

    A dry run takes the same steps but for the writing. It plans batch by batch from what the
    store knows, and remembers what each plan would have added, about half a kilobyte a person,
    for the batches after it. It holds no lock, and counts what a real run would.

    Raises: Invalid for an export or options that cannot be meant; Unavailable.
    """
    started = time.monotonic()
    _terms(options, now)
    count_rows(path)
    summary = Summary(options.dry_run)
    with (
        _collecting_rarely(),
        open_export(path) as export,
        Refusals(options.refused_to) as refusals,
    ):
        known = Known() if options.dry_run else None
        for rows in _batches(export.rows(), BATCH):
            terms = _terms(options, now if clock is None else clock())
            batch = _read(rows, terms, summary, refusals)
            plan = (
                _write(batch, terms, actor, keys)
                if known is None
                else _pretend(batch, terms, keys, known)
            )
            _count(plan, summary)
            progress(len(rows))
        summary.refused_to = refusals.path
    if summary.customers_created >= _MANY and not options.dry_run:
        statistics.refresh()
    summary.seconds = time.monotonic() - started
    return summary


def _terms(options: ImportOptions, now: datetime) -> Terms:
    catalogue = catalogues.current()
    return Terms(options, catalogue, check_options(options, catalogue), now)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """A batch makes two hundred thousand objects, none of them in a cycle. The cyclic collector
    would walk them, and all of the app besides, over and over: a sixth of the whole time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 10, 5)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


T = TypeVar("T")


def _batches(found: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(found, size)):
        yield batch


def _read(rows: Sequence[Row], terms: Terms, summary: Summary, refusals: Refusals) -> list[Said]:
    batch = []
    for row in rows:
        said = read_row(row, terms)
        if isinstance(said, Refusal):
            summary.refused[said.value] += 1
            refusals.add(row, said)
        else:
            batch.append(said)
    summary.read.update(Counter(row.kind.value for row in rows))
    return batch


def _write(batch: Sequence[Said], terms: Terms, actor: Actor, keys: Keyring) -> Plan:
    """Writes a batch, and again from the start where somebody was created, merged or erased
    between the look at who is here and the write."""
    for _ in range(TRIES):
        try:
            with unit_of_work():
                known = Known()
                _look_up(batch, terms, keys, known, lock=True)
                plan = plan_batch(batch, known, terms.purpose, terms.now)
                _carry_out(plan, terms, actor, keys)
                return plan
        except (IdentifierKnown, NotFound) as error:
            failure = error
    raise failure


def _pretend(batch: Sequence[Said], terms: Terms, keys: Keyring, known: Known) -> Plan:
    with reading():
        _look_up(batch, terms, keys, known, lock=False)
    return plan_batch(batch, known, terms.purpose, terms.now)


def _look_up(
    batch: Sequence[Said], terms: Terms, keys: Keyring, known: Known, *, lock: bool
) -> None:
    """Adds to `known` what the store knows of whoever a batch names. With `lock`, customers are
    locked, in order of id, before anything of theirs is read that the plan rests on."""
    marked = {s.email.value: s.email for s in batch if s.mark is not None}
    if lock and marked:
        suppressions.hold_identifiers(list(marked.values()), keys)
    emails = {s.email.value: s.email for s in batch if s.email.value not in known.people}
    phones = {s.phone.value: s.phone for s in batch if s.phone is not None}
    owners = customers.find_owners([*emails.values(), *phones.values()], keys)
    known.phones.update(i.value for i in owners if i.value in phones)
    here = {i.value: owner for i, owner in owners.items() if i.value in emails}
    fresh = sorted({owner for owner in here.values() if owner not in known.customers})
    if lock:
        customers.lock_customers(fresh)
    known.customers |= _list_people(fresh, terms, keys)
    known.people |= {address: known.customers[owner] for address, owner in here.items()}
    wanted = {address: email for address, email in marked.items() if address not in known.marks}
    wanted |= {address: email for address, email in emails.items() if address not in here}
    found = suppressions.list_of_identifiers(list(wanted.values()), keys) if wanted else {}
    known.marks |= {email.value: marks for email, marks in found.items()}
    known.erased |= {
        email.value for email, marks in found.items() if is_erased(marks)
    } - here.keys()


def _list_people(
    customer_ids: Sequence[CustomerId], terms: Terms, keys: Keyring
) -> dict[CustomerId, Person]:
    people = {
        customer_id: Person(
            customer_id,
            tuple(i.value for i in found.identifiers if i.type is IdentifierType.PHONE),
            tuple(found.profile),
        )
        for customer_id, found in completion.list_particulars(customer_ids, keys).items()
    }
    if people:
        events = consents.list_import_marks(customer_ids, terms.purpose.key)
        for customer_id, kind, channel, captured_at in events:
            if channel is terms.options.channel:
                people[customer_id].events += ((kind, captured_at),)
    return people


def _carry_out(plan: Plan, terms: Terms, actor: Actor, keys: Keyring) -> None:
    """Marks come first: a customer who is created gets those of the address by that."""
    made: dict[CustomerId, OpenKeys] = {}
    if plan.marks:
        suppressions.record_suppressions(plan.marks, terms.options.source, terms.now, keys)
    if plan.created:
        new = [addition.as_new() for addition in plan.created.values()]
        made = customers.create_opened(new, terms.now, keys)
        for person, customer_id in zip(plan.created, made, strict=True):
            person.customer_id = customer_id
    if plan.completed:
        wanted = {_id(person): added.as_particulars() for person, added in plan.completed.items()}
        completion.complete_customers(wanted, terms.now, keys)
    if plan.events:
        events = [replace(event, who=_id(person)) for person, event, _ in plan.events]
        consents.record_consents(events, actor, terms.now, keys, made)


def _id(person: Person) -> CustomerId:
    assert person.customer_id is not None  # created just above where nobody was here
    return person.customer_id


def _count(plan: Plan, summary: Summary) -> None:
    if plan.erased:
        summary.refused[Refusal.ERASED.value] += plan.erased
    summary.unchanged += plan.unchanged
    summary.customers_created += len(plan.created)
    summary.customers_completed += len(plan.completed)
    summary.phones_unreadable += plan.phones_unreadable
    summary.phones_of_another += plan.phones_of_another
    summary.events.update(Counter(kind.value for *_, kind in plan.events))
    summary.suppressions.update(Counter(reason.value for _, reason, *_ in plan.marks))
