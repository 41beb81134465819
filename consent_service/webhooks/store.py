"""SQL of webhooks and their secrets, of how far the log was sent out, and of whom was erased."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from consent_service.crypto.envelope import Sealed
from consent_service.storage.bulk import insert_rows
from consent_service.storage.direct import Door
from consent_service.storage.locks import hold
from consent_service.storage.many import among
from consent_service.storage.prepared import Prepared
from consent_service.webhooks.model import Secret, Webhook
from consent_service.webhooks.tables import (
    ErasedRow,
    WebhookHeadRow,
    WebhookRow,
    WebhookSecretRow,
)

_row = WebhookRow
_webhooks = [column for column in WebhookRow.__table__.columns if column.name != "served_at"]
_HEAD = Prepared(select(WebhookHeadRow.leaf_index))
_HEAD_LOCK = b"webhook.h"
_ONE = 1


def add(tx: Connection, new: Webhook) -> None:
    """Keeps a new webhook."""
    tx.execute(
        insert(_row).values(
            id=new.id,
            client_id=new.client_id,
            url=new.url,
            event_types=" ".join(new.event_types),
            created_at=new.created_at,
            first_leaf=new.first_leaf,
            due_at=new.due_at,
            failures=new.failures,
            served_at=new.created_at,
        )
    )


def find(tx: Connection, webhook_id: UUID) -> Webhook | None:
    """One webhook."""
    found = tx.execute(select(*_webhooks).where(_row.id == webhook_id)).one_or_none()
    return None if found is None else webhook_of(found)


def list_all(tx: Connection) -> list[Webhook]:
    """Every webhook, the oldest first."""
    return [webhook_of(row) for row in tx.execute(select(*_webhooks).order_by(_row.id))]


def list_enabled(tx: Connection) -> list[Webhook]:
    """Those that are not disabled."""
    return [webhook_of(r) for r in tx.execute(select(*_webhooks).where(_row.disabled_at.is_(None)))]


def remove(tx: Connection, webhook_id: UUID) -> bool:
    """Forgets a webhook and its secrets; False when there is none."""
    tx.execute(delete(WebhookSecretRow).where(WebhookSecretRow.webhook_id == webhook_id))
    return bool(tx.execute(delete(_row).where(_row.id == webhook_id)).rowcount)


def lease(tx: Connection, seen: Webhook, now: datetime, until: datetime) -> bool:
    """Takes a webhook to send what is due. False when another worker was faster."""
    changed = tx.execute(
        update(_row)
        .where(_row.id == seen.id, or_(_row.leased_until.is_(None), _row.leased_until <= now))
        .values(leased_until=until, served_at=now)
    )
    return bool(changed.rowcount)


def release(tx: Connection, webhook_id: UUID, until: datetime) -> None:
    """Lets a webhook go, unless the lease was lost to another."""
    mine = (_row.id == webhook_id, _row.leased_until == until)
    tx.execute(update(_row).where(*mine).values(leased_until=None))


def set_failures(tx: Connection, webhook_id: UUID, failures: int, due_at: datetime) -> None:
    """Keeps how many tries failed in a row, and until when none is made."""
    tx.execute(update(_row).where(_row.id == webhook_id).values(failures=failures, due_at=due_at))


def set_disabled(tx: Connection, webhook_id: UUID, at: datetime | None, due_at: datetime) -> None:
    """Disables a webhook, or with no time enables it."""
    values = {"disabled_at": at, "failures": 0, "due_at": due_at}
    tx.execute(update(_row).where(_row.id == webhook_id).values(**values))


def add_secret(tx: Connection, new: Secret) -> None:
    """Keeps a secret."""
    tx.execute(
        insert(WebhookSecretRow).values(
            webhook_id=new.webhook_id, id=new.id, secret=new.sealed, created_at=new.created_at
        )
    )


def end_other_secrets(tx: Connection, kept: Secret, now: datetime, at: datetime) -> None:
    """Ends the newest of the other secrets at a time, and the rest at once: two are alive at
    most."""
    row = WebhookSecretRow
    others = [each for each in list_secrets(tx, kept.webhook_id, now) if each.id != kept.id]
    for place, each in enumerate(others):
        mine = (row.webhook_id == kept.webhook_id, row.id == each.id)
        if place == 0 and at > now:
            until = at if each.expires_at is None else min(each.expires_at, at)
            tx.execute(update(row).where(*mine).values(expires_at=until))
        else:
            tx.execute(delete(row).where(*mine))


def list_secrets(tx: Connection, webhook_id: UUID, now: datetime) -> list[Secret]:
    """The secrets that are alive, the newest first."""
    row = WebhookSecretRow
    alive = or_(row.expires_at.is_(None), row.expires_at > now)
    query = select(row.__table__).where(row.webhook_id == webhook_id, alive)
    return [
        Secret(each.id, each.webhook_id, each.secret, each.created_at, each.expires_at)
        for each in tx.execute(query.order_by(row.id.desc()))
    ]


def delete_secrets(tx: Connection, now: datetime) -> int:
    """Forgets secrets that have run out; how many."""
    row = WebhookSecretRow
    return tx.execute(delete(row).where(row.expires_at <= now)).rowcount


def lock_head(tx: Connection) -> int | None:
    """From which leaf on changes are to be sent out, held until the unit of work ends."""
    hold(tx, [_HEAD_LOCK])
    return find_head(tx)


def find_head(tx: Connection) -> int | None:
    """From which leaf on changes are to be sent out; None before the first."""
    return tx.scalar(select(WebhookHeadRow.leaf_index))


def read_head(door: Door) -> int | None:
    """As `find_head`: it is looked at all the time."""
    found = door.rows(_HEAD)
    return found[0][0] if found else None


def set_head(tx: Connection, before: int | None, leaf_index: int) -> None:
    """Moves the head on."""
    if before is None:
        tx.execute(insert(WebhookHeadRow).values(id=_ONE, leaf_index=leaf_index))
    else:
        tx.execute(update(WebhookHeadRow).values(leaf_index=leaf_index))


def add_erased(tx: Connection, customers: Mapping[UUID, Sealed]) -> None:
    """Keeps whom erasures were of, by their entries."""
    rows = [{"entry_id": made, "customer": customer} for made, customer in customers.items()]
    insert_rows(tx, ErasedRow, rows)


def find_erased(tx: Connection, entry_ids: Sequence[UUID]) -> dict[UUID, Sealed]:
    """Whom erasures were of, by their entries, as far as it is kept."""
    if not entry_ids:
        return {}
    row = ErasedRow
    query = select(row.entry_id, row.customer).where(among(tx, row.entry_id, entry_ids))
    return {each.entry_id: each.customer for each in tx.execute(query)}


def delete_erased(tx: Connection, entry_ids: Collection[UUID]) -> None:
    """Forgets whom erasures were of."""
    tx.execute(delete(ErasedRow).where(among(tx, ErasedRow.entry_id, entry_ids)))


def webhook_of(row: Row[Any]) -> Webhook:
    """The webhook in a row."""
    values = dict(row._mapping)
    return Webhook(**{**values, "event_types": tuple(row.event_types.split())})
