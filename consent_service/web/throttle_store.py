"""SQL of the throttle's counters and of clients' quotas."""

from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from consent_service.web.tables import ClientQuotaRow, ThrottleCounterRow

_counters = ThrottleCounterRow.__table__


def take(
    tx: Connection,
    digest: bytes,
    window_start: datetime,
    expires_at: datetime,
    amount: int,
    limit: int,
) -> bool:
    """Takes `amount`, unless more than `limit` would then be taken in the window: one statement,
    so that no two takers get the same. False when it would."""
    if amount > limit:
        return False
    kind = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = kind(ThrottleCounterRow).values(
        digest=digest, window_start=window_start, taken=amount, expires_at=expires_at
    )
    taken = statement.on_conflict_do_update(
        index_elements=[_counters.c.digest, _counters.c.window_start],
        set_={"taken": ThrottleCounterRow.taken + amount},
        where=ThrottleCounterRow.taken + amount <= limit,
    ).returning(ThrottleCounterRow.taken)
    return tx.execute(taken).first() is not None


def delete_expired(tx: Connection, now: datetime) -> int:
    """Forgets windows that are over; how many counters went."""
    return tx.execute(
        delete(ThrottleCounterRow).where(ThrottleCounterRow.expires_at <= now)
    ).rowcount


def list_quotas(tx: Connection) -> dict[tuple[str, str], int]:
    """Every quota: client, budget → requests a minute."""
    query = select(ClientQuotaRow.client_id, ClientQuotaRow.budget, ClientQuotaRow.per_minute)
    return {(row.client_id, row.budget): row.per_minute for row in tx.execute(query)}


def set_quota(tx: Connection, client_id: str, budget: str, per_minute: int | None) -> None:
    """Sets a quota, or removes it with None."""
    tx.execute(
        delete(ClientQuotaRow).where(
            ClientQuotaRow.client_id == client_id, ClientQuotaRow.budget == budget
        )
    )
    if per_minute is not None:
        kind = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
        tx.execute(
            kind(ClientQuotaRow).values(client_id=client_id, budget=budget, per_minute=per_minute)
        )
