"""SQL of sessions and of customers' links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from consent_service.accounts.model import Browser, Link, LinkRequest, Session
from consent_service.accounts.tables import LinkRequestRow, LinkRow, SessionRow
from consent_service.kernel.ids import CustomerId
from consent_service.storage.direct import Question

_sessions = SessionRow.__table__
_links = LinkRow.__table__
_requests = LinkRequestRow.__table__


def add_session(tx: Connection, session: Session) -> None:
    """Adds a session."""
    tx.execute(
        insert(SessionRow).values(
            sha256=session.sha256,
            customer_id=session.customer_id,
            staff_id=session.staff_id,
            browser=session.browser.value,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            fresh_until=session.fresh_until,
            expires_at=session.expires_at,
        )
    )


def find_session(tx: Connection, sha256: bytes) -> Session | None:
    """The session of a cookie: one read by primary key."""
    row = tx.execute(select(_sessions).where(SessionRow.sha256 == sha256)).one_or_none()
    return None if row is None else _session(row)


def touch_session(tx: Connection, sha256: bytes, now: datetime) -> None:
    """Notes that a session is in use."""
    tx.execute(update(SessionRow).where(SessionRow.sha256 == sha256).values(last_seen_at=now))


def move_effort(tx: Connection, sha256: bytes, before: str | None, after: str) -> bool:
    """Notes how far a session is with the one question; False when it is elsewhere: of many at
    once, one gets on."""
    moved = update(SessionRow).where(
        SessionRow.sha256 == sha256, SessionRow.effort.is_not_distinct_from(before)
    )
    return bool(tx.execute(moved.values(effort=after)).rowcount)


def list_customer_sessions(tx: Connection, customer: UUID) -> list[Session]:
    """A customer's sessions, the newest first."""
    query = select(_sessions).where(SessionRow.customer_id == customer)
    return [_session(row) for row in tx.execute(query.order_by(SessionRow.created_at.desc()))]


def list_staff_sessions(tx: Connection, staff_id: UUID) -> list[Session]:
    """The sessions of a member of staff, the newest first."""
    query = select(_sessions).where(SessionRow.staff_id == staff_id)
    return [_session(row) for row in tx.execute(query.order_by(SessionRow.created_at.desc()))]


def delete_session(tx: Connection, sha256: bytes) -> None:
    """Ends a session."""
    tx.execute(delete(SessionRow).where(SessionRow.sha256 == sha256))


def delete_customer_sessions(tx: Connection, customers: Sequence[UUID]) -> None:
    """Ends every session of a customer."""
    tx.execute(delete(SessionRow).where(SessionRow.customer_id.in_(customers)))


def delete_staff_sessions(tx: Connection, staff_id: UUID) -> None:
    """Ends every session of a member of staff."""
    tx.execute(delete(SessionRow).where(SessionRow.staff_id == staff_id))


def delete_dead_sessions(
    tx: Connection, now: datetime, customers_seen: datetime, staff_seen: datetime
) -> int:
    """Removes sessions too old, or last seen before these; how many."""
    customers = SessionRow.staff_id.is_(None) & (SessionRow.last_seen_at <= customers_seen)
    staff = SessionRow.staff_id.is_not(None) & (SessionRow.last_seen_at <= staff_seen)
    return tx.execute(
        delete(SessionRow).where(or_(SessionRow.expires_at <= now, customers, staff))
    ).rowcount


def add_request(tx: Connection, asked: LinkRequest) -> None:
    """Notes that somebody asked for a link."""
    tx.execute(
        insert(LinkRequestRow).values(
            id=asked.id, binding=asked.binding, asked=asked.asked, requested_at=asked.requested_at
        )
    )


is_link_asked = Question(select(LinkRequestRow.id))


def list_requests(tx: Connection, limit: int) -> list[LinkRequest]:
    """Who asked for a link, the first first."""
    query = select(_requests).order_by(LinkRequestRow.requested_at).limit(limit)
    return [
        LinkRequest(row.id, bytes(row.binding), row.asked, row.requested_at)
        for row in tx.execute(query)
    ]


def delete_request(tx: Connection, request_id: UUID) -> bool:
    """Takes a request off the list. False when another worker did."""
    gone = tx.execute(delete(LinkRequestRow).where(LinkRequestRow.id == request_id))
    return bool(gone.rowcount)


def add_link(tx: Connection, link: Link) -> None:
    """Adds a link."""
    tx.execute(
        insert(LinkRow).values(
            sha256=link.sha256,
            customer_id=link.customer_id,
            binding=link.binding,
            return_path=link.return_path,
            expires_at=link.expires_at,
        )
    )


def find_link(tx: Connection, sha256: bytes) -> Link | None:
    """A link that was not used."""
    row = tx.execute(select(_links).where(LinkRow.sha256 == sha256)).one_or_none()
    return None if row is None else _link(row)


def take_link(tx: Connection, sha256: bytes, binding: bytes, now: datetime) -> Link | None:
    """Uses a link up: one statement, so that of many who try one has it."""
    row = tx.execute(
        delete(LinkRow)
        .where(LinkRow.sha256 == sha256, LinkRow.binding == binding, LinkRow.expires_at > now)
        .returning(*_links.columns)
    ).one_or_none()
    return None if row is None else _link(row)


def delete_customer_links(tx: Connection, customers: Sequence[UUID]) -> None:
    """Makes every link of a customer useless."""
    tx.execute(delete(LinkRow).where(LinkRow.customer_id.in_(customers)))


def delete_expired_links(tx: Connection, now: datetime) -> int:
    """Removes links past their time; how many."""
    return tx.execute(delete(LinkRow).where(LinkRow.expires_at <= now)).rowcount


def _session(row: Row[Any]) -> Session:
    return Session(
        bytes(row.sha256),
        None if row.customer_id is None else CustomerId(row.customer_id),
        row.staff_id,
        Browser(row.browser),
        row.created_at,
        row.last_seen_at,
        row.fresh_until,
        row.expires_at,
    )


def _link(row: Row[Any]) -> Link:
    return Link(
        bytes(row.sha256),
        CustomerId(row.customer_id),
        bytes(row.binding),
        row.return_path,
        row.expires_at,
    )
