"""SQL of deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from consent_service.storage.bulk import insert_rows
from consent_service.storage.direct import Question
from consent_service.storage.many import among
from consent_service.webhooks.model import Delivery, DeliveryState, Tried, Webhook
from consent_service.webhooks.store import webhook_of
from consent_service.webhooks.tables import DeliveryRow, WebhookRow

Instant = datetime | ColumnElement[datetime]

_row = DeliveryRow
_deliveries = DeliveryRow.__table__
# In the statement, and not beside it: partial indexes fit.
_WAITING: ColumnElement[str] = literal_column(f"'{DeliveryState.WAITING}'")
_MOST_DELETED = 5_000


def add(tx: Connection, new: Sequence[Delivery]) -> None:
    """Adds deliveries."""
    insert_rows(tx, DeliveryRow, [_values(each) for each in new])


def is_one_due(now: datetime, *, failing: bool) -> bool:
    """Whether `find_due` would find one: four threads ask all the time."""
    return _ARE_DUE[failing](now)


def find_due(tx: Connection, now: datetime, *, failing: bool) -> Webhook | None:
    """The webhook that waits longest to be sent something that is due: of those whose last try
    failed, or of the others."""
    hook = WebhookRow
    query = select(*[c for c in hook.__table__.columns if c.name != "served_at"])
    those = query.where(*_to_serve(now, failing=failing))
    found = tx.execute(those.order_by(hook.served_at, hook.id).limit(1)).one_or_none()
    return None if found is None else webhook_of(found)


def find_next(tx: Connection, webhook_id: UUID, now: datetime) -> Delivery | None:
    """Of the deliveries of a webhook the one that is due longest, or what it has to wait for: what
    is first in its place."""
    query = select(_row.customer_id).where(*_due(now), _row.webhook_id == webhook_id)
    place = tx.scalar(query.order_by(_row.due_at, _row.position).limit(1))
    if place is None:
        return None
    theirs = select(_deliveries).where(*_in_place(webhook_id, place))
    first = tx.execute(theirs.order_by(_row.position).limit(1)).one_or_none()
    return None if first is None else _delivery(first)


def put_behind(tx: Connection, first: Delivery) -> None:
    """Makes what waits in the place of a delivery due no sooner than that, so that it is not
    looked at again and again."""
    place = _in_place(first.webhook_id, first.place)
    tx.execute(update(_row).where(*place, _row.due_at < first.due_at).values(due_at=first.due_at))


def _to_serve(now: Instant, *, failing: bool) -> list[ColumnElement[bool]]:
    hook = WebhookRow
    return [
        hook.disabled_at.is_(None),
        hook.due_at <= now,
        or_(hook.leased_until.is_(None), hook.leased_until <= now),
        hook.failures > 0 if failing else hook.failures == 0,
        exists().where(*_due(now), _row.webhook_id == hook.id),
    ]


def _due(now: Instant) -> list[ColumnElement[bool]]:
    return [_row.state == _WAITING, _row.due_at <= now]


_ARE_DUE = {
    failing: Question(select(WebhookRow.id).where(*_to_serve(bindparam("now"), failing=failing)))
    for failing in (False, True)
}


def _in_place(webhook_id: UUID, place: UUID) -> list[ColumnElement[bool]]:
    return [_row.state == _WAITING, _row.webhook_id == webhook_id, _row.customer_id == place]


def find(tx: Connection, webhook_id: UUID, delivery_id: UUID) -> Delivery | None:
    """One delivery of a webhook."""
    mine = (_row.webhook_id == webhook_id, _row.id == delivery_id)
    found = tx.execute(select(_deliveries).where(*mine)).one_or_none()
    return None if found is None else _delivery(found)


def list_page(
    tx: Connection, webhook_id: UUID, state: DeliveryState | None, after: UUID | None, limit: int
) -> list[Delivery]:
    """Deliveries of a webhook, the oldest first."""
    query = select(_deliveries).where(_row.webhook_id == webhook_id)
    if state is not None:
        query = query.where(_row.state == state.value)
    if after is not None:
        query = query.where(_row.id > after)
    return [_delivery(row) for row in tx.execute(query.order_by(_row.id).limit(limit))]


def list_of_customer(tx: Connection, customer: UUID) -> list[Delivery]:
    """Deliveries that are about a customer."""
    query = select(_deliveries).where(_row.customer_id == customer).order_by(_row.id)
    return [_delivery(row) for row in tx.execute(query)]


def count_by_state(tx: Connection) -> dict[tuple[UUID, str], int]:
    """How many deliveries each webhook has in each state."""
    query = select(_row.webhook_id, _row.state, func.count()).group_by(_row.webhook_id, _row.state)
    return {(row[0], row[1]): row[2] for row in tx.execute(query)}


def claim(tx: Connection, seen: Delivery, due_at: datetime) -> bool:
    """Counts a try and puts the delivery off, before it is made. False when somebody else makes
    it, or it is gone."""
    changed = tx.execute(
        update(_row)
        .where(*_is(seen), _row.tries == seen.tries, _row.state == _WAITING)
        .values(tries=seen.tries + 1, due_at=due_at)
    )
    return bool(changed.rowcount)


def set_tried(
    tx: Connection, seen: Delivery, tried: Tried, state: DeliveryState, finished_at: datetime | None
) -> None:
    """Keeps what came of a try."""
    values = {"last_status": tried.status, "last_error": tried.error, "finished_at": finished_at}
    tx.execute(update(_row).where(*_is(seen)).values(state=state.value, **values))


def remove(tx: Connection, seen: Delivery) -> None:
    """Forgets a delivery, unless a merge has moved it meanwhile."""
    tx.execute(delete(_row).where(*_is(seen), _row.customer_id == seen.place))


def replay(
    tx: Connection,
    webhook_id: UUID,
    delivery_ids: Sequence[UUID] | None,
    now: datetime,
    give_up_at: datetime,
) -> int:
    """Makes deliveries that have ended wait again, as if they were new: some, or all that were
    given up; how many."""
    which = _row.state == DeliveryState.GIVEN_UP.value
    if delivery_ids is not None:
        which = among(tx, _row.id, delivery_ids)
    values = {"tries": 0, "due_at": now, "give_up_at": give_up_at, "finished_at": None}
    return tx.execute(
        update(_row)
        .where(_row.webhook_id == webhook_id, _row.state != _WAITING, which)
        .values(state=DeliveryState.WAITING.value, **values)
    ).rowcount


def give_up(tx: Connection, now: datetime, before: datetime) -> int:
    """Gives up what should have had its last try before a time, and was not to be tried; how
    many."""
    return tx.execute(
        update(_row)
        .where(_row.state == _WAITING, _row.give_up_at <= before)
        .values(state=DeliveryState.GIVEN_UP.value, finished_at=now)
    ).rowcount


def delete_finished(tx: Connection, before: datetime) -> int:
    """Forgets deliveries that ended before a time, a portion; how many."""
    some = select(_row.id).where(_row.finished_at < before).limit(_MOST_DELETED)
    return tx.execute(delete(_row).where(_row.id.in_(some))).rowcount


def delete_of_webhook(tx: Connection, webhook_id: UUID) -> None:
    """Forgets all deliveries of a webhook."""
    tx.execute(delete(_row).where(_row.webhook_id == webhook_id))


def delete_of_customers(tx: Connection, customers: Sequence[UUID]) -> None:
    """Forgets all deliveries that are about these customers."""
    tx.execute(delete(_row).where(_row.customer_id.in_(customers)))


def delete_about(tx: Connection, about: Collection[UUID]) -> int:
    """Forgets what was told about some things; how many deliveries."""
    return tx.execute(delete(_row).where(among(tx, _row.about, about))).rowcount


def list_states(tx: Connection, about: UUID) -> list[DeliveryState]:
    """How far the deliveries are of what was told about something."""
    return [
        DeliveryState(each) for each in tx.scalars(select(_row.state).where(_row.about == about))
    ]


def list_waiting(tx: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    """Those of these events, which are about no customer, that a webhook is yet to be sent."""
    place = _row.customer_id
    query = select(place).where(among(tx, place, event_ids), _row.state == _WAITING)
    return set(tx.scalars(query))


def move(tx: Connection, absorbed: UUID, kept: UUID) -> None:
    """Makes a customer's deliveries another's."""
    tx.execute(update(_row).where(_row.customer_id == absorbed).values(customer_id=kept))


def _is(seen: Delivery) -> tuple[ColumnElement[bool], ...]:
    """By its id alone: a merge may have moved it meanwhile."""
    return (_row.webhook_id == seen.webhook_id, _row.id == seen.id)


def _values(each: Delivery) -> dict[str, object]:
    return {
        "customer_id": each.place,
        "id": each.id,
        "webhook_id": each.webhook_id,
        "event_id": each.event_id,
        "event_type": each.event_type,
        "position": each.position,
        "state": each.state.value,
        "tries": each.tries,
        "about": each.about,
        "told": each.told,
        "created_at": each.created_at,
        "due_at": each.due_at,
        "give_up_at": each.give_up_at,
    }


def _delivery(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)
    values["place"] = values.pop("customer_id")
    return Delivery(**{**values, "state": DeliveryState(row.state)})
