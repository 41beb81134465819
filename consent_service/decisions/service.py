"""Checks: gather facts, decide once, log, answer. What cannot be logged is not answered."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.crypto import data_keys
from consent_service.crypto.data_keys import DataKeyKind
from consent_service.crypto.envelope import SealingKey
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as customer_keys
from consent_service.customers import service as customers
from consent_service.customers.identifiers import is_value, newest_probe
from consent_service.customers.model import Identifier
from consent_service.decisions import one_store
from consent_service.decisions.appending import append_all, append_one
from consent_service.decisions.entries import Sayings, payload_of
from consent_service.decisions.gathering import Known, gather
from consent_service.decisions.judging import Judge, verdict_of
from consent_service.decisions.model import Check, Decision, Verdict
from consent_service.decisions.one_store import Found
from consent_service.decisions.store import Gathered
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, NotFound, Unavailable
from consent_service.kernel.ids import CustomerId, new_uuid, new_uuids
from consent_service.kernel.one_at_a_time import OneAtATime
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Answer, Entry, EntryKind
from consent_service.oauth.model import Caller, digest
from consent_service.storage.direct import direct
from consent_service.suppressions.model import Reason as MarkReason

_batches = OneAtATime()  # two share the interpreter of a process, and both take longer


class Stale(Unavailable):
    """The store has not seen the change that the caller's token is of."""

    code = "stale"
    detail = "The store is behind the consent token. Treat it as a deny and try again."


def look_up(
    token: str, named: CustomerId | Identifier, purpose: str, now: datetime, keys: Keyring
) -> tuple[Caller, Found] | None:
    """Whom a live access token belongs to, and what a check will need of whoever it names, by one
    read. Nothing of it is for anybody before the caller's right to it is looked at."""
    asked = named if isinstance(named, UUID) else newest_probe(named, keys)
    with direct() as door:
        found = one_store.find(door, digest(token), now, purpose, asked)
    return None if found is None else (found.caller, found)


def check(
    check_: Check, client_id: str, now: datetime, keys: Keyring, found: Found | None = None
) -> Decision:
    """One check, logged; `found` is what was looked up for it within the same request. Raises:
    Invalid for an unknown purpose, Unavailable."""
    known = None if found is None else _known(check_, found, keys)
    if found is None or found.catalogue_version is None or known is None:
        catalogue, known = catalogues.current(), gather([check_], keys)
    else:
        catalogue = catalogues.by_version(found.catalogue_version)
    if check_.question.purpose not in catalogue.purposes:
        raise Invalid.at("/purpose", "unknown_purpose", "Not in the catalogue.")
    answers = _answer([check_], [new_uuid()], known, catalogue, client_id, now, keys)
    decision, answer = answers[0]
    return decision if append_one(answer.entry()) else check(check_, client_id, now, keys)


def check_batch(
    checks: Sequence[Check], client_id: str, now: datetime, keys: Keyring
) -> list[Decision]:
    """Many checks, each with its own outcome and entry, in order; the log has one leaf for them.
    Raises: Unavailable."""
    with _batches.turn():
        return _check_together(checks, client_id, now, keys)


def _check_together(
    checks: Sequence[Check], client_id: str, now: datetime, keys: Keyring
) -> list[Decision]:
    catalogue = catalogues.current()
    batch_id, *ids = new_uuids(1 + len(checks))
    known = gather(checks, keys)
    answers = _answer(checks, ids, known, catalogue, client_id, now, keys, batch_id)
    batch = Entry(batch_id, batch_id, False, EntryKind.BATCH, now, now, client_id=client_id)
    if not append_all(batch, [answer for _, answer in answers]):
        return _check_together(checks, client_id, now, keys)
    return [decision for decision, _ in answers]


def judge(
    checks: Sequence[Check], catalogue: Catalogue, now: datetime, keys: Keyring
) -> list[tuple[CustomerId | None, Verdict]]:
    """What many checks come to, in order, with who it is about where they are known: not logged,
    which is for whoever asks to do. Raises: Unavailable."""
    known = gather(checks, keys)
    found = []
    for check_ in checks:
        place, _, person = known.person_of(check_)
        found.append((place, verdict_of(check_.question, person, catalogue, now)))
    return found


def get_entry(
    place: UUID,
    decision_id: UUID,
    client_id: str,
    keys: Keyring,
    recipients: Collection[str] = (),
) -> dict[str, Any]:
    """What was answered to a client, or about one of these recipients, as the log has it. Raises:
    NotFound."""
    place = customers.resolve(CustomerId(place))
    entry = ledger.find_entry(place, decision_id)
    if entry is None or entry.kind is not EntryKind.DECISION:
        raise NotFound()
    if entry.client_id != client_id and entry.recipient not in recipients:
        raise NotFound()
    payload: dict[str, Any] = {}
    if entry.known:
        life = customer_keys.open_keys(CustomerId(place), keys).life
        payload = ledger.open_payload(entry, life)
    return {
        "outcome": entry.outcome,
        "reason": entry.reason,
        "purpose": entry.purpose,
        "channel": entry.channel,
        "data_categories": list(entry.data_categories),
        "recipient": entry.recipient,
        "client_id": entry.client_id,
        "catalogue_version": entry.catalogue_version,
        "record_revision": payload.get("record_revision"),
        "notice_version": payload.get("notice_version"),
        "evaluated_at": rfc3339(entry.occurred_at),
        "valid_until": payload.get("valid_until"),
        "known": entry.known,
    }


def _answer(
    checks: Sequence[Check],
    ids: Sequence[UUID],
    known: Known,
    catalogue: Catalogue,
    client_id: str,
    now: datetime,
    keys: Keyring,
    batch_id: UUID | None = None,
) -> list[tuple[Decision, Answer]]:
    opened: dict[int, SealingKey] = {}  # by what was gathered: a UUID is slow to look up
    judge_, answers = Judge(catalogue, now), []
    sayings = Sayings(catalogue, client_id, now, batch_id)
    for check_, made, chance in zip(checks, ids, ledger.chances(len(checks)), strict=True):
        place, found, person = known.person_of(check_)
        verdict = judge_.verdict_of(check_.question, person)
        if place is None or found is None:
            parts = ledger.bare_parts()
        else:
            if check_.at_least_as_fresh is not None:
                _check_freshness(check_, check_.at_least_as_fresh, place, found)
            life = opened.get(id(found))
            if life is None:
                life = data_keys.unwrap(keys, DataKeyKind.LIFE, place, found.life)
                opened[id(found)] = life
            parts = ledger.sealed_parts(place, made, payload_of(check_, verdict), life, chance)
        said, at = sayings.said_by(made, check_, place, verdict), made if place is None else place
        decision = Decision(made, at, verdict, check_.question.purpose, now)
        answers.append((decision, Answer(said, made, at, **parts)))
    return answers


def _known(check_: Check, found: Found, keys: Keyring) -> Known | None:
    """What was looked up for a check, where that is all it needs, or nearly: whoever was not found
    is gathered as one of many."""
    place, gathered = found.customer_id, found.gathered
    if place is None or gathered is None or found.purpose != check_.question.purpose:
        return None
    owners = {}
    if check_.identifier is None:
        if place != check_.customer_id:
            return None
    else:
        if found.identifier is None:
            return None
        identifier_id, value = found.identifier
        life = data_keys.unwrap(keys, DataKeyKind.LIFE, place, gathered.life)
        if not is_value(check_.identifier, (place, identifier_id), value, life):
            return None
        owners = {check_.identifier: (place, identifier_id)}
    addresses = {}
    if _needs_addresses(check_, gathered):
        with direct() as door:
            addresses = {place: one_store.list_addresses(door, place)}
    return Known(owners, {}, {place: gathered}, addresses, {})


def _needs_addresses(check_: Check, gathered: Gathered) -> bool:
    """Whether one of them may not be used, and it is not plain which one is asked about."""
    asked = None if check_.identifier is None else check_.identifier.type
    return any(
        mark.reason is MarkReason.UNDELIVERABLE and mark.identifier_type is not asked
        for mark in gathered.marks.values()
    )


def _check_freshness(
    check_: Check, token: tuple[CustomerId, int], place: CustomerId, found: Gathered
) -> None:
    customer_id, revision = token
    if customer_id != place and customers.resolve(customer_id) != place:
        raise Invalid.at(
            check_.pointer + "/at_least_as_fresh",
            "invalid_consent_token",
            "A token of another customer.",
        )
    if found.revision < revision:
        raise Stale()
