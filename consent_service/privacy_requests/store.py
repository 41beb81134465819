"""SQL of privacy requests."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from consent_service.kernel.actors import ActorKind
from consent_service.privacy_requests.model import (
    OPEN,
    UNDER_WAY,
    IdentityProof,
    Intake,
    Request,
    RequestFilter,
    RequestKind,
    RequestState,
    Step,
    StepKind,
)
from consent_service.privacy_requests.tables import IntakeRow, RequestRow, StepRow
from consent_service.storage.direct import Question

_requests = RequestRow.__table__
_steps = StepRow.__table__
_NOT_COLUMNS = frozenset({"place"})
_CHANGED = (
    "state", "due_at", "identity", "held", "restricts", "found_restricted", "steps", "lift_at",
    "lift_letter", "untold_since",
)  # fmt: skip

is_one_to_look_up = Question(select(IntakeRow.id))
is_one_under_way = Question(
    select(RequestRow.id).where(
        or_(*[RequestRow.state == state.value for state in sorted(UNDER_WAY)]),
        RequestRow.held.is_(False),
    )
)


def add_request(tx: Connection, request: Request) -> None:
    """Adds a request."""
    tx.execute(insert(RequestRow).values(**_values(request)))


def add_requests(tx: Connection, requests: Sequence[Request]) -> None:
    """Adds requests."""
    if requests:
        tx.execute(insert(RequestRow), [_values(request) for request in requests])


def find_request(tx: Connection, request_id: UUID) -> Request | None:
    """A request by its id, wherever it stands."""
    row = tx.execute(select(_requests).where(RequestRow.id == request_id)).one_or_none()
    return None if row is None else _request(row)


def list_by_ids(tx: Connection, request_ids: Sequence[UUID]) -> list[Request]:
    """Requests by their ids, wherever they stand."""
    query = select(_requests).where(RequestRow.id.in_(request_ids)).order_by(RequestRow.id)
    return [_request(row) for row in tx.execute(query)]


def set_request(tx: Connection, before: Request, after: Request) -> bool:
    """Puts what a step changed. False when another step was faster, or the request has moved."""
    values = _values(after)
    changed = tx.execute(
        update(RequestRow)
        .where(
            RequestRow.customer_id == before.place,
            RequestRow.id == before.id,
            RequestRow.steps == before.steps,
        )
        .values({name: values[name] for name in _CHANGED})
    )
    return bool(changed.rowcount)


def set_states(tx: Connection, after: Sequence[Request]) -> int:
    """Puts the states that steps of many requests led to; of how many no other step was faster."""
    if not after:
        return 0
    mine = (
        RequestRow.customer_id == bindparam("of_place"),
        RequestRow.id == bindparam("of"),
        RequestRow.steps == bindparam("steps_before"),
    )
    changes = [
        {
            "of_place": each.place,
            "of": each.id,
            "steps_before": each.steps - 1,
            "to_state": each.state.value,
            "to_steps": each.steps,
            "to_untold_since": each.untold_since,
        }
        for each in after
    ]
    to: dict[str, Any] = {n: bindparam(f"to_{n}") for n in ("state", "steps", "untold_since")}
    return tx.execute(update(RequestRow).where(*mine).values(to), changes).rowcount


def set_restriction(tx: Connection, request: Request) -> None:
    """Puts whether processing is restricted because of a request. Its customer is locked."""
    tx.execute(
        update(RequestRow)
        .where(RequestRow.customer_id == request.place, RequestRow.id == request.id)
        .values(restricts=request.restricts, found_restricted=request.found_restricted)
    )


def set_reminded(tx: Connection, request: Request, level: int) -> bool:
    """Notes that a level of reminder was said, or 0: none since. False when it was said already,
    or the date has moved."""
    mine = (RequestRow.customer_id == request.place, RequestRow.id == request.id)
    query = update(RequestRow).where(*mine).values(reminded=level)
    if level:
        query = query.where(RequestRow.reminded < level, RequestRow.due_at == request.due_at)
    return bool(tx.execute(query).rowcount)


def list_requests(
    tx: Connection, wanted: RequestFilter, after: UUID | None, limit: int
) -> list[Request]:
    """Requests in order of their ids, which is that of receipt."""
    return _page(tx, _narrowed(select(_requests), wanted), after, limit)


def list_due_before(tx: Connection, moment: datetime, below: int, limit: int) -> list[Request]:
    """Open requests due by a moment that had no reminder of a level yet, the earliest first."""
    query = (
        select(_requests)
        .where(RequestRow.due_at <= moment, RequestRow.reminded < below, _in_state(OPEN))
        .order_by(RequestRow.due_at)
        .limit(limit)
    )
    return [_request(row) for row in tx.execute(query)]


def list_to_lift(tx: Connection, now: datetime, after: UUID | None, limit: int) -> list[Request]:
    """Requests whose restriction is to be lifted by now, by id."""
    return _page(tx, select(_requests).where(RequestRow.lift_at <= now), after, limit)


def list_untold(tx: Connection, now: datetime, after: UUID | None, limit: int) -> list[Request]:
    """Requests of which the person is to be told something, by id."""
    return _page(tx, select(_requests).where(RequestRow.untold_since <= now), after, limit)


def set_told(tx: Connection, request: Request) -> bool:
    """Notes that the person was told of all. False when there was a step meanwhile."""
    row = RequestRow
    mine = (row.customer_id == request.place, row.id == request.id, row.steps == request.steps)
    return bool(tx.execute(update(row).where(*mine).values(untold_since=None)).rowcount)


def count_due_before(tx: Connection, moment: datetime) -> int:
    """How many open requests are due by a moment."""
    query = select(func.count()).select_from(RequestRow)
    return tx.scalar(query.where(RequestRow.due_at <= moment, _in_state(OPEN))) or 0


def list_to_carry_out(
    tx: Connection, kinds: Collection[RequestKind], after: UUID | None, limit: int
) -> list[Request]:
    """Approved and running requests of kinds, none of them held, by id."""
    query = select(_requests).where(
        _in_state(UNDER_WAY),
        RequestRow.held.is_(False),
        RequestRow.kind.in_([kind.value for kind in kinds]),
    )
    return _page(tx, query, after, limit)


def list_of_customer(tx: Connection, customer: UUID) -> list[Request]:
    """A customer's requests, oldest first."""
    return list_of_customers(tx, [customer])


def list_of_customers(tx: Connection, customers: Sequence[UUID]) -> list[Request]:
    """The requests of customers, oldest first."""
    query = select(_requests).where(RequestRow.customer_id.in_(customers)).order_by(RequestRow.id)
    return [_request(row) for row in tx.execute(query)]


def delete_of_customers(tx: Connection, customers: Sequence[UUID]) -> None:
    """Removes the requests of customers, with their steps."""
    for table in (StepRow, RequestRow):
        tx.execute(delete(table).where(table.customer_id.in_(customers)))


def delete_request(tx: Connection, request: Request) -> None:
    """Removes a request and its steps from where it stands."""
    row = RequestRow
    tx.execute(delete(row).where(row.customer_id == request.place, row.id == request.id))
    tx.execute(
        delete(StepRow).where(
            StepRow.customer_id == request.place, StepRow.request_id == request.id
        )
    )


def add_steps(tx: Connection, steps: Sequence[Step]) -> None:
    """Adds steps."""
    if steps:
        tx.execute(insert(StepRow), [_values(step) for step in steps])


def list_steps(tx: Connection, request: Request) -> list[Step]:
    """The steps of a request, in order."""
    query = select(_steps).where(
        StepRow.customer_id == request.place, StepRow.request_id == request.id
    )
    return [_step(row) for row in tx.execute(query.order_by(StepRow.number))]


def find_approved_at(tx: Connection, request: Request) -> datetime | None:
    """When a request was approved."""
    query = select(StepRow.at).where(
        StepRow.customer_id == request.place,
        StepRow.request_id == request.id,
        StepRow.kind == StepKind.APPROVED.value,
    )
    return tx.scalar(query.order_by(StepRow.number.desc()).limit(1))


def add_intake(tx: Connection, intake: Intake) -> None:
    """Adds who is to be looked up."""
    values = {"id": intake.id, "asked": intake.asked, "received_at": intake.received_at}
    tx.execute(insert(IntakeRow).values(**values))


def list_intake(tx: Connection, limit: int) -> list[Intake]:
    """Who is to be looked up, in order."""
    query = select(IntakeRow.__table__).order_by(IntakeRow.received_at).limit(limit)
    return [Intake(row.id, row.asked, row.received_at) for row in tx.execute(query)]


def delete_intake(tx: Connection, request_id: UUID) -> bool:
    """Takes one. False when another worker has it."""
    return bool(tx.execute(delete(IntakeRow).where(IntakeRow.id == request_id)).rowcount)


def _page(tx: Connection, query: Select[Any], after: UUID | None, limit: int) -> list[Request]:
    """The requests of a query by their ids, from after one on."""
    if after is not None:
        query = query.where(RequestRow.id > after)
    return [_request(row) for row in tx.execute(query.order_by(RequestRow.id).limit(limit))]


def _narrowed(query: Select[Any], wanted: RequestFilter) -> Select[Any]:
    if wanted.place is not None:
        query = query.where(RequestRow.customer_id == wanted.place)
    if wanted.state is not None:
        query = query.where(RequestRow.state == wanted.state.value)
    if wanted.kind is not None:
        query = query.where(RequestRow.kind == wanted.kind.value)
    if wanted.overdue_at is not None:
        query = query.where(RequestRow.due_at < wanted.overdue_at, _in_state(OPEN))
    return query


def _in_state(states: Collection[RequestState]) -> Any:
    column: InstrumentedAttribute[str] = RequestRow.state
    return column.in_([state.value for state in sorted(states)])


def _values(of: Request | Step) -> dict[str, Any]:
    """Every field by its column's name."""
    values = {name: getattr(of, name) for name in of.__struct_fields__ if name not in _NOT_COLUMNS}
    plain = {n: v.value if hasattr(v, "value") else v for n, v in values.items()}
    return {"customer_id": of.place, **plain}


def _request(row: Row[Any]) -> Request:
    identity = None if row.identity is None else IdentityProof(row.identity)
    return Request(
        row.id, row.customer_id, row.known, RequestKind(row.kind), RequestState(row.state),
        row.received_at, row.due_at, row.looked_up, row.touchpoint, identity, row.held,
        row.restricts, row.found_restricted, row.reminded, row.steps, row.note, row.lift_at,
        row.lift_letter, row.untold_since,
    )  # fmt: skip


def _step(row: Row[Any]) -> Step:
    return Step(
        row.id,
        row.customer_id,
        row.request_id,
        row.number,
        StepKind(row.kind),
        row.at,
        ActorKind(row.actor_kind),
        row.actor_id,
        row.words,
        row.reason,
    )
