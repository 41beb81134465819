"""What a privacy request is, and the one table of the steps it may take. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.actors import ActorKind
from consent_service.kernel.errors import Conflict
from consent_service.kernel.ids import decode, encode

LINK_LIFETIME = timedelta(hours=24)
LIFT_NOTICE = timedelta(days=7)
NOBODY_KNOWN = "nobody_known"
REPLAYED = "replayed"
BY_LETTER = "letter"
STILL_HELD = "held_by_another"


class RequestKind(StrEnum):
    """What a person asks for. Source: GDPR art. 15 to 18, 20, 21."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"


class RequestState(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXTENDED = "extended"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepKind(StrEnum):
    """What is recorded: every state that is reached; holds and lifts, which change none."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXTENDED = "extended"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"
    RELEASED = "released"
    LIFT_ANNOUNCED = "lift_announced"
    LIFT_CANCELLED = "lift_cancelled"
    LIFTED = "lifted"


class IdentityProof(StrEnum):
    """How it was made sure that the person is who they say they are."""

    FRESH_SIGN_IN = "fresh_sign_in"
    LINK = "link"
    ACCOUNT_DETAILS = "account_details"
    CALL_BACK = "call_back"
    DOCUMENT = "document"
    IN_PERSON = "in_person"


BY_STAFF = (
    IdentityProof.ACCOUNT_DETAILS,
    IdentityProof.CALL_BACK,
    IdentityProof.DOCUMENT,
    IdentityProof.IN_PERSON,
)


class Told(StrEnum):
    """How staff told a person, before it is lifted, that a restriction ends."""

    POST = "post"
    PHONE = "phone"
    IN_PERSON = "in_person"


_S = RequestState
MOVES: Mapping[RequestState, frozenset[RequestState]] = {
    _S.RECEIVED: frozenset({_S.CONFIRMED, _S.REJECTED, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.APPROVED, _S.REJECTED, _S.EXTENDED, _S.CANCELLED}),
    _S.EXTENDED: frozenset({_S.APPROVED, _S.REJECTED, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.RUNNING, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.DONE, _S.FAILED}),
    _S.REJECTED: frozenset(),
    _S.DONE: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
OPEN = frozenset(state for state, moves in MOVES.items() if moves)
BEFORE_RUNNING = OPEN - {_S.RUNNING}
UNDER_WAY = frozenset({_S.APPROVED, _S.RUNNING})


class Request(Struct, frozen=True):
    """A request as kept. `place` is the customer, or its own id when it is about nobody known.
    `restricts`: processing is restricted because of it; `found_restricted`: it was so before.
    `reminded` is the last level of `reminder_level` that was said; `steps` how many it took.
    `lift_at`: when that restriction is to be lifted; `lift_letter` is the letter that says so.
    `untold_since`: since when there is a step of which the person is to be told."""

    id: UUID
    place: UUID
    known: bool
    kind: RequestKind
    state: RequestState
    received_at: datetime
    due_at: datetime
    looked_up: bool = True
    touchpoint: str | None = None
    identity: IdentityProof | None = None
    held: bool = False
    restricts: bool = False
    found_restricted: bool = False
    reminded: int = 0
    steps: int = 0
    note: Sealed | None = None
    lift_at: datetime | None = None
    lift_letter: UUID | None = None
    untold_since: datetime | None = None


class Step(Struct, frozen=True):
    """A step as kept. `actor_id` is empty for the customer; `words` are stable, `reason` is what
    somebody wrote."""

    id: UUID
    place: UUID
    request_id: UUID
    number: int
    kind: StepKind
    at: datetime
    actor_kind: ActorKind
    actor_id: str
    words: str | None = None
    reason: Sealed | None = None


class Intake(Struct, frozen=True):
    """A request whose person is yet to be looked up; `asked` says who."""

    id: UUID
    asked: Sealed
    received_at: datetime


class RequestFilter(Struct, frozen=True):
    """Which requests; None is any. `overdue_at`: those open and past due at that moment."""

    place: UUID | None = None
    state: RequestState | None = None
    kind: RequestKind | None = None
    overdue_at: datetime | None = None


class WrongState(Conflict):
    """It has gone another way, or is not that far."""

    code = "request_state"
    detail = "The state the request is in does not allow this."


class NotLookedUp(Conflict):
    """It came in a moment ago."""

    code = "request_not_looked_up"
    detail = "The request was received a moment ago. Try again in a few seconds."


class NotExtendable(Conflict):
    """The law of the person knows no extension."""

    code = "request_not_extendable"
    detail = "The catalogue knows no extension where this person is."


def request_id_text(request_id: UUID) -> str:
    """`req_…`. It does not carry the customer: it would tell that there is one."""
    return encode("req", request_id)


def parse_request_id(text: str) -> UUID:
    """The id behind `req_…`. Raises: NotFound."""
    return decode("req", text)[0]


def move(request: Request, to: RequestState) -> Request:
    """The request in another state. Raises: WrongState when that is no way it can go."""
    if not can_move(request, to):
        raise WrongState()
    return replace(request, state=to)


def can_move(request: Request, to: RequestState) -> bool:
    """Whether a request may go there: what is held does not run."""
    blocked = request.held and to is RequestState.RUNNING
    return to in MOVES[request.state] and not blocked


def hold(request: Request) -> Request:
    """The request, not to be carried out until it is released. Raises: WrongState."""
    if request.held or request.state not in BEFORE_RUNNING:
        raise WrongState()
    return replace(request, held=True)


def release(request: Request) -> Request:
    """The request without its hold. Raises: WrongState when it has none."""
    if not request.held:
        raise WrongState()
    return replace(request, held=False)


TOLD_STEPS = frozenset(
    {StepKind.EXTENDED, StepKind.REJECTED, StepKind.DONE, StepKind.FAILED, StepKind.CANCELLED}
)
_DONE_WITH_LETTER = frozenset({RequestKind.ACCESS, RequestKind.PORTABILITY, RequestKind.ERASURE})


def is_told(request: Request, kind: StepKind, by: ActorKind) -> bool:
    """Whether the person is to be told of a step: of what they did themselves they know, and of a
    package and of their erasure they get another letter. Source: GDPR art. 12(3), 12(4)."""
    if not request.known or kind not in TOLD_STEPS or by is ActorKind.CUSTOMER:
        return False
    return kind is not StepKind.DONE or request.kind not in _DONE_WITH_LETTER


def announce_lift(request: Request, lift_at: datetime) -> Request:
    """The request, whose restriction is to be lifted. Raises: WrongState when there is none, it is
    under way, or that is so already."""
    if not request.restricts or request.state in OPEN or request.lift_at is not None:
        raise WrongState()
    return replace(request, lift_at=lift_at)


def cancel_lift(request: Request) -> Request:
    """The request, whose restriction stays. Raises: WrongState when it is not to be lifted."""
    if request.lift_at is None:
        raise WrongState()
    return replace(request, lift_at=None, lift_letter=None)


def outlives(request: Request) -> bool:
    """Whether a request stays when its customer is erased: as that very erasure, under way."""
    return request.kind is RequestKind.ERASURE and request.state in UNDER_WAY


def is_overdue(request: Request, now: datetime) -> bool:
    """Open and past its date."""
    return request.state in OPEN and request.due_at < now


REMIND_BEFORE = timedelta(days=7), timedelta(days=2), timedelta(0)


def reminder_level(due_at: datetime, now: datetime) -> int:
    """0: time enough; 1: 7 days left or less; 2: 2 days or less; 3: overdue."""
    return sum(due_at - now <= before for before in REMIND_BEFORE)


def waits_for(
    request: Request, *, has_carrier: bool, in_grace: bool = False, others: bool = False
) -> str | None:
    """What has to happen next, where that is not the service's own turn. `in_grace`: it can still
    be cancelled for a time; `others`: recipients are yet to answer."""
    match request.state:
        case RequestState.RECEIVED:
            return "identity"
        case RequestState.CONFIRMED | RequestState.EXTENDED:
            return "decision"
        case RequestState.APPROVED if request.held:
            return "release"
        case RequestState.APPROVED if not has_carrier:
            return "carrier"
        case RequestState.APPROVED if in_grace:
            return "grace"
        case RequestState.RUNNING if others:
            return "recipients"
        case RequestState.RUNNING if request.kind is RequestKind.RECTIFICATION:
            return "correction"
    return None
