"""Openings of kept proofs: one officer asks, another approves, the first fetches, once. Each act is
an entry of the log by name, about nobody known; what is fetched is a disclosure. Source: DESIGN.md
5.3; ADR 30."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.accounts.model import Staff
from consent_service.consents import kept
from consent_service.crypto.envelope import Field, SealingKey, seal, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.erasures import listed
from consent_service.kernel import paging
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.proof_openings import store
from consent_service.proof_openings.model import (
    APPROVE_WITHIN,
    FETCH_WITHIN,
    KEPT_AFTER,
    Basis,
    Opening,
    OpeningState,
    ProofGone,
    State,
    Whose,
    check_approves,
    check_fetches,
    check_officer,
)
from consent_service.storage.unit_of_work import reading, unit_of_work

_ACT = "proof_opening_"
_LIST = "approvals"


class NoProof(NotFound):
    """Nothing was kept of them, or not any more, or nobody was erased by that name."""

    code = "no_proof"
    detail = "No proof of consent is kept under that request or id."


class Found(Struct, frozen=True):
    """What was fetched: the opening, why it was asked for, what the proofs say."""

    opening: Opening
    reason: str
    until: datetime
    events: list[dict[str, Any]]

    def __repr__(self) -> str:
        return "Found(redacted)"


def ask_for_opening(
    whose: Whose, basis: Basis, reason: str, officer: Staff, now: datetime, keys: Keyring
) -> Opening:
    """Asks for what is kept of somebody who was erased. Raises: NotAnOfficer, NoProof."""
    check_officer(officer)
    with unit_of_work() as tx:
        place = _place_of(whose, now, keys)
        opening_id = new_uuid()
        sealed = seal(_key(place, keys), _field(place, opening_id), reason.encode())
        opening = Opening(
            opening_id,
            place,
            whose.request_id,
            basis,
            sealed,
            State.WAITING,
            officer.name,
            now,
            now + APPROVE_WITHIN,
        )
        store.add(tx, opening)
        _log(opening, "asked", officer, now)
    return opening


def approve_opening(opening_id: UUID, officer: Staff, now: datetime) -> Opening:
    """Approves as a second officer. Raises: NotAnOfficer, NotFound, SameOfficer, OpeningState,
    ProofGone."""
    return _decide(opening_id, State.APPROVED, officer, now)


def reject_opening(opening_id: UUID, officer: Staff, now: datetime) -> Opening:
    """Rejects; whoever asked may take it back like this. Raises: NotAnOfficer, NotFound,
    OpeningState."""
    return _decide(opening_id, State.REJECTED, officer, now)


def fetch_proof(opening_id: UUID, officer: Staff, now: datetime, keys: Keyring) -> Found:
    """Opens what is kept, once, for the officer who asked. Raises: NotAnOfficer, NotFound,
    NotWhoAsked, OpeningState, ProofGone."""
    check_officer(officer)
    with unit_of_work() as tx:
        opening = get_opening(opening_id)
        check_fetches(opening, officer)
        moved = store.move(tx, opening_id, State.APPROVED, State.FETCHED, now, fetched_at=now)
        if not moved:
            raise OpeningState()
        proof = _key(opening.place, keys)
        until, events = kept.open_kept(opening.place, proof, now)
        if until is None:
            raise ProofGone()
        _log(opening, "opened", officer, now)
        return Found(get_opening(opening_id), _open_reason(opening, proof), until, events)


def get_opening(opening_id: UUID) -> Opening:
    """One opening. Raises: NotFound."""
    with reading() as tx:
        found = store.find(tx, opening_id)
    if found is None:
        raise NotFound()
    return found


def find_reason(opening: Opening, keys: Keyring) -> str | None:
    """Why it was asked for; None when the proof is destroyed, and its key."""
    proof = data_keys.find_proof_key(opening.place, keys)
    return None if proof is None else _open_reason(opening, proof)


def list_openings(cursor: str | None, limit: int) -> Page[Opening]:
    """A page of openings, oldest first. Raises: Invalid for a cursor of another list."""
    after = None if cursor is None else paging.read_cursor(cursor, _LIST, UUID)
    with reading() as tx:
        found = store.list_after(tx, after, limit + 1)
    items = found[:limit]
    more = len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, _LIST) if more else None)


def delete_past(now: datetime) -> int:
    """Forgets openings that were over a month ago and whose proof is destroyed; how many. The log
    keeps what was done."""
    with unit_of_work() as tx:
        past = store.list_places(tx, now - KEPT_AFTER)
        there = kept.list_places([place for _, place in past], now)
        gone = [opening_id for opening_id, place in past if place not in there]
        if gone:
            store.delete_many(tx, gone)
    return len(gone)


def _place_of(whose: Whose, now: datetime, keys: Keyring) -> UUID:
    places: list[UUID] = []
    if whose.customer_id is not None:
        places += listed.proof_places(whose.customer_id, keys)
    elif whose.request_id is not None and (found := kept.find_place(whose.request_id)) is not None:
        places.append(found)
    there = kept.list_places(places, now)
    if not there:
        raise NoProof()
    return there.pop()


def _decide(opening_id: UUID, state: State, officer: Staff, now: datetime) -> Opening:
    check_officer(officer)
    values: dict[str, Any] = {"decided_by": officer.name, "decided_at": now}
    with unit_of_work() as tx:
        opening = get_opening(opening_id)
        if state is State.APPROVED:
            check_approves(opening, officer)
            if not kept.list_places([opening.place], now):
                raise ProofGone()
            values["expires_at"] = now + FETCH_WITHIN
        if not store.move(tx, opening_id, State.WAITING, state, now, **values):
            raise OpeningState()
        _log(opening, state.value, officer, now)
        return get_opening(opening_id)


def _key(place: UUID, keys: Keyring) -> SealingKey:
    proof = data_keys.find_proof_key(place, keys)
    if proof is None:
        raise ProofGone()
    return proof


def _field(place: UUID, opening_id: UUID) -> Field:
    return Field("proof_opening.reason", place, opening_id)


def _open_reason(opening: Opening, proof: SealingKey) -> str:
    return unseal(proof, _field(opening.place, opening.id), opening.reason).decode()


def _log(opening: Opening, what: str, officer: Staff, now: datetime) -> None:
    """An entry that cites the opening. The leaf of what was opened stands with all other uses."""
    entry_id, opened = new_uuid(), what == "opened"
    entry = Entry(
        entry_id,
        entry_id,
        False,
        EntryKind.DISCLOSURE if opened else EntryKind.STAFF_ACT,
        now,
        now,
        client_id=officer.name,
        outcome="permit" if opened else None,
        reason=_ACT + what,
        cites=opening.id,
    )
    ledger.append([ledger.bare_entry(entry)])
