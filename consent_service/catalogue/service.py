"""The catalogue in force, those before it, and loading another."""

import hashlib
import json
from datetime import datetime
from typing import Protocol
from weakref import WeakKeyDictionary

from consent_service.catalogue import store
from consent_service.catalogue.document import build, canonical, parse
from consent_service.catalogue.history import check_history, differences
from consent_service.catalogue.model import Catalogue
from consent_service.catalogue.positions import Source
from consent_service.catalogue.versions import (
    Difference,
    DifferenceKind,
    Loaded,
    Outcome,
    StoredCatalogue,
)
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import Conflict, NotFound, Unavailable
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work

_MOST_KEPT = 32

# By engine: versions that are committed. By connection: those of a unit of work that has
# written one itself, which may yet be rolled back and must not be believed by others.
_committed: WeakKeyDictionary[object, dict[int, Loaded]] = WeakKeyDictionary()
_own: WeakKeyDictionary[object, dict[int, Loaded]] = WeakKeyDictionary()


class NoCatalogue(Unavailable):
    """Nothing was loaded yet."""

    code = "no_catalogue"
    detail = "No catalogue has been loaded yet. Load one, then try again."


class NoCatalogueThen(NotFound):
    """The time asked for is before the first version."""

    code = "no_catalogue_then"
    detail = "There was no catalogue at that time."


class LoadedMeanwhile(Conflict):
    """Two loads at once; the other was first."""

    code = "catalogue_loaded_meanwhile"
    detail = "Another catalogue was loaded meanwhile. Look at it and load yours again."


class CountToAskAgain(Protocol):
    """A function of the consents room, which is higher than this one."""

    def __call__(self, old: Catalogue, new: Catalogue) -> int:
        """How many customers the change from `old` to `new` makes us ask again."""


def current() -> Catalogue:
    """The catalogue in force, by one small query. Raises: NoCatalogue, Unavailable."""
    return get_current().catalogue


def get_current() -> Loaded:
    """The catalogue in force, with its document. Raises: NoCatalogue, Unavailable."""
    found = _find_current()
    if found is None:
        raise NoCatalogue()
    return found


def at(instant: datetime) -> Catalogue:
    """The catalogue that was in force at an instant. Raises: NoCatalogueThen."""
    with reading() as tx:
        version = store.version_at(tx, instant)
        if version is None:
            raise NoCatalogueThen()
        return cached(version)


def by_version(version: int) -> Catalogue:
    """A recorded version. Raises: NotFound."""
    return cached(version)


def cached(version: int) -> Catalogue:
    """A recorded version, from memory if this process has had it. Raises: NotFound."""
    return _get(version).catalogue


def preview_catalogue(
    text: str | bytes, now: datetime, count_to_ask_again: CountToAskAgain
) -> Outcome:
    """What loading this document would do. Writes nothing. Raises: as `load_catalogue`."""
    source = parse(text)
    with reading():
        return _compare(source, _find_current(), now, count_to_ask_again)[1]


def load_catalogue(
    text: str | bytes, actor: Actor, now: datetime, count_to_ask_again: CountToAskAgain
) -> Outcome:
    """Puts a document in force; one that says the same as that in force changes nothing.

    Raises: MalformedDocument; Invalid with every fault; LoadedMeanwhile.
    """
    source = parse(text)
    with unit_of_work() as tx:
        catalogue, outcome = _compare(source, _find_current(), now, count_to_ask_again)
        if not outcome.changed:
            return outcome
        document = canonical(source.document)
        stored = StoredCatalogue(
            outcome.version, document.decode(), hashlib.sha256(document).digest(), now
        )
        if not store.add_catalogue(tx, stored, actor):
            raise LoadedMeanwhile()
        _committed.setdefault(db.engine, {}).pop(outcome.version, None)
        _own[tx] = {outcome.version: Loaded(catalogue, source.document)}
        ledger.append([_entry(outcome.version, actor, now)])
        return outcome


def _find_current() -> Loaded | None:
    with reading() as tx:
        version = store.newest_version(tx)
        return None if version is None else _get(version)


def _get(version: int) -> Loaded:
    committed = _committed.setdefault(db.engine, {})
    found = committed.get(version)
    if found is not None:
        return found
    with reading() as tx:
        kept = _own.get(tx, committed)
        found = kept.get(version) or _load(store.find_catalogue(tx, version))
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[version] = found
    return found


def _load(stored: StoredCatalogue | None) -> Loaded:
    if stored is None:
        raise NotFound()
    document = json.loads(stored.document)
    return Loaded(build(document, stored.version, stored.recorded_from), document)


def _compare(
    source: Source, old: Loaded | None, now: datetime, count_to_ask_again: CountToAskAgain
) -> tuple[Catalogue, Outcome]:
    if old is None:
        everything = (Difference("", DifferenceKind.ADDED),)
        return build(source.document, 1, now), Outcome(1, True, everything, 0)
    version = old.catalogue.version
    if canonical(source.document) == canonical(old.document):
        return old.catalogue, Outcome(version, False, (), 0)
    new = build(source.document, version + 1, now)
    check_history(old.catalogue, new, source)
    difference = differences(old.document, source.document)
    asked = count_to_ask_again(old.catalogue, new)
    return new, Outcome(version + 1, True, difference, asked)


def _entry(version: int, actor: Actor, now: datetime) -> Entry:
    entry_id = new_uuid()
    return ledger.bare_entry(
        Entry(
            id=entry_id,
            place=entry_id,
            known=False,
            kind=EntryKind.STAFF_ACT,
            occurred_at=now,
            recorded_at=now,
            client_id=actor.id if actor.kind is ActorKind.CLIENT else None,
            reason="catalogue_loaded",
            catalogue_version=version,
        )
    )
