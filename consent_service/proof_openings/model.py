"""What an opening of kept proofs is, and who may bring it on. No I/O."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.accounts.model import Role, Staff
from consent_service.crypto.envelope import Sealed
from consent_service.kernel.errors import Conflict, Forbidden, Gone
from consent_service.kernel.ids import CustomerId, decode, encode

APPROVE_WITHIN = timedelta(hours=24)
FETCH_WITHIN = timedelta(hours=24)
KEPT_AFTER = timedelta(days=30)


class Basis(StrEnum):
    """Why data that was to be erased may be looked at. Source: GDPR art. 17(3)(b), (e)."""

    LEGAL_OBLIGATION = "legal_obligation"
    LEGAL_CLAIMS = "legal_claims"


class State(StrEnum):
    """How far an opening is. Expired is computed, and not kept."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    FETCHED = "fetched"
    EXPIRED = "expired"


class Whose(Struct, frozen=True):
    """Of whom the proof is: by the request that their certificate names, or by the id that their
    receipts name."""

    request_id: UUID | None = None
    customer_id: CustomerId | None = None


class Opening(Struct, frozen=True):
    """An opening. `place` is that of the proofs; `reason` is sealed under their key, and goes with
    it. Officers stand by the names they sign in with. What is not fetched by `expires_at` is over:
    until it is decided, that is how long it waits."""

    id: UUID
    place: UUID
    request_id: UUID | None
    basis: Basis
    reason: Sealed
    state: State
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    fetched_at: datetime | None = None


class NotAnOfficer(Forbidden):
    """Known, and of another role."""

    code = "not_an_officer"
    detail = "This is for staff who are privacy officers."


class SameOfficer(Forbidden):
    """Two people look at it, or nobody does."""

    code = "same_officer"
    detail = "Who asked cannot approve: another privacy officer does."


class NotWhoAsked(Forbidden):
    """What is opened goes to one person."""

    code = "not_who_asked"
    detail = "The officer who asked for it fetches it, and nobody else."


class OpeningState(Conflict):
    """It was decided, fetched, or has expired."""

    code = "opening_state"
    detail = "This opening was decided, was fetched, is not approved, or has expired."


class ProofGone(Gone):
    """Retention has destroyed it meanwhile."""

    code = "proof_gone"
    detail = "The proof was kept for as long as the catalogue says, and is destroyed."


def opening_id_text(opening_id: UUID) -> str:
    """The public form, `apr_…`."""
    return encode("apr", opening_id)


def parse_opening_id(text: str) -> UUID:
    """The id behind `apr_…`. Raises: NotFound."""
    return decode("apr", text)[0]


def state_at(opening: Opening, now: datetime) -> State:
    """Its state, by the clock."""
    is_open = opening.state in (State.WAITING, State.APPROVED)
    return State.EXPIRED if is_open and opening.expires_at <= now else opening.state


def check_officer(staff: Staff) -> None:
    """Raises: NotAnOfficer."""
    if Role.OFFICER not in staff.roles:
        raise NotAnOfficer()


def check_approves(opening: Opening, officer: Staff) -> None:
    """Raises: SameOfficer."""
    if opening.asked_by == officer.name:
        raise SameOfficer()


def check_fetches(opening: Opening, officer: Staff) -> None:
    """Raises: NotWhoAsked."""
    if opening.asked_by != officer.name:
        raise NotWhoAsked()
