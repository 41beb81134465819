"""Sessions: begun, found, ended. A cookie's value is known to the browser alone."""

from datetime import datetime
from uuid import UUID

from consent_service.accounts import store
from consent_service.accounts.model import (
    CUSTOMER_LIMITS,
    SEEN_EVERY,
    STAFF_LIMITS,
    Browser,
    Session,
    digest,
    is_fresh,
    is_live,
    new_session,
    new_token,
)
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work

_ASKED, _ANSWERED = "asked", "answered"


def begin(
    customer_id: CustomerId | None,
    staff_id: UUID | None,
    browser: Browser,
    previous: str | None,
    now: datetime,
) -> str:
    """Begins a session under a new id and ends the browser's previous one; the cookie's value.
    Source: ASVS 7.2.4."""
    token = new_token()
    with unit_of_work() as tx:
        if previous:
            store.delete_session(tx, digest(previous))
        store.add_session(tx, new_session(digest(token), customer_id, staff_id, browser, now))
    return token


def find(token: str, now: datetime) -> Session | None:
    """The live session of a cookie. That it is in use is noted once a minute."""
    with reading() as tx:
        session = store.find_session(tx, digest(token))
        if session is None or not is_live(session, now):
            return None
        if now - session.last_seen_at >= SEEN_EVERY:
            store.touch_session(tx, session.sha256, now)
    return session


def end(token: str) -> None:
    """Ends the session of a cookie."""
    with unit_of_work() as tx:
        store.delete_session(tx, digest(token))


def end_everywhere(session: Session) -> None:
    """Ends every session of whoever this one is of."""
    with unit_of_work() as tx:
        if session.customer_id is not None:
            store.delete_customer_sessions(tx, [session.customer_id])
            store.delete_customer_links(tx, [session.customer_id])
        if session.staff_id is not None:
            store.delete_staff_sessions(tx, session.staff_id)


def list_beside(session: Session, now: datetime) -> list[Session]:
    """The live sessions of whoever this one is of, this one among them."""
    with reading() as tx:
        if session.customer_id is not None:
            found = store.list_customer_sessions(tx, session.customer_id)
        else:
            assert session.staff_id is not None  # a session is of one or the other
            found = store.list_staff_sessions(tx, session.staff_id)
    return [each for each in found if is_live(each, now)]


def has_fresh(customer_id: CustomerId, now: datetime) -> bool:
    """Whether a customer signed in within the last few minutes, in any browser, and is still
    signed in. Source: ASVS 7.5.3."""
    with reading() as tx:
        found = store.list_customer_sessions(tx, customer_id)
    return any(is_live(each, now) and is_fresh(each, now) for each in found)


def begin_asking(session: Session) -> bool:
    """Whether the one question may be asked in a session: once."""
    with unit_of_work() as tx:
        return store.move_effort(tx, session.sha256, None, _ASKED)


def end_asking(session: Session) -> bool:
    """Whether an answer to the question counts: the first one to a question that was asked."""
    with unit_of_work() as tx:
        return store.move_effort(tx, session.sha256, _ASKED, _ANSWERED)


def delete_dead(now: datetime) -> int:
    """Removes sessions that nobody can use any more; how many."""
    with unit_of_work() as tx:
        return store.delete_dead_sessions(
            tx, now, now - CUSTOMER_LIMITS.idle, now - STAFF_LIMITS.idle
        )
