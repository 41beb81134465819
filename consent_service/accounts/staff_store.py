"""SQL of staff and their one-time links."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from consent_service.accounts.model import Credentials, Enrolment, Role, Staff
from consent_service.accounts.tables import EnrolmentRow, StaffRow
from consent_service.crypto.envelope import Sealed

_staff = StaffRow.__table__
_enrolments = EnrolmentRow.__table__
_SECRETS = {"staff.totp_secret": StaffRow.totp_secret, "staff.email": StaffRow.email}
SECRETS = tuple(_SECRETS)  # by the names of their fields


def add(tx: Connection, staff: Staff) -> bool:
    """Adds a member of staff. False when the name is taken."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(StaffRow).values(
                    id=staff.id,
                    name=staff.name,
                    roles=" ".join(sorted(staff.roles)),
                    created_at=staff.created_at,
                )
            )
    except IntegrityError:
        return False
    return True


def find(tx: Connection, staff_id: UUID) -> Staff | None:
    """One member of staff, disabled or not."""
    row = tx.execute(select(_staff).where(StaffRow.id == staff_id)).one_or_none()
    return None if row is None else _member(row)


def find_by_name(tx: Connection, name: str, *, lock: bool = False) -> Credentials | None:
    """One by name, with what they sign in with; with `lock`, held until the transaction ends."""
    query = select(_staff).where(StaffRow.name == name)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Credentials(_member(row), row.password_hash, row.totp_secret)


def list_all(tx: Connection) -> list[Staff]:
    """All staff, by name."""
    return [_member(row) for row in tx.execute(select(_staff).order_by(StaffRow.name))]


def list_credentials(tx: Connection) -> list[Credentials]:
    """All staff, by name, with what they sign in with."""
    found = tx.execute(select(_staff).order_by(StaffRow.name))
    return [Credentials(_member(row), row.password_hash, row.totp_secret) for row in found]


def set_roles(tx: Connection, staff_id: UUID, roles: Collection[Role]) -> None:
    """Leaves a member of staff these roles."""
    text = " ".join(sorted(roles))
    tx.execute(update(StaffRow).where(StaffRow.id == staff_id).values(roles=text))


def set_credentials(
    tx: Connection, staff_id: UUID, password_hash: str, totp: Sealed, step: int
) -> None:
    """Sets password and one-time codes, of which the one of `step` is used."""
    tx.execute(
        update(StaffRow)
        .where(StaffRow.id == staff_id)
        .values(password_hash=password_hash, totp_secret=totp, totp_step=step)
    )


def set_password_hash(tx: Connection, staff_id: UUID, password_hash: str) -> None:
    """Keeps the same password under other parameters."""
    tx.execute(update(StaffRow).where(StaffRow.id == staff_id).values(password_hash=password_hash))


def use_code(tx: Connection, staff_id: UUID, step: int, now: datetime) -> bool:
    """Uses up a one-time code of somebody who may sign in. False when it, or a later one, was
    used before: one statement, so that of many who try one is let in."""
    changed = tx.execute(
        update(StaffRow)
        .where(
            StaffRow.id == staff_id,
            StaffRow.disabled_at.is_(None),
            or_(StaffRow.totp_step.is_(None), StaffRow.totp_step < step),
        )
        .values(totp_step=step, last_signed_in_at=now)
    )
    return bool(changed.rowcount)


def disable(tx: Connection, staff_id: UUID, now: datetime) -> None:
    """Marks a member of staff as disabled."""
    tx.execute(
        update(StaffRow)
        .where(StaffRow.id == staff_id, StaffRow.disabled_at.is_(None))
        .values(disabled_at=now)
    )


def forget_credentials(tx: Connection, staff_id: UUID) -> None:
    """Leaves somebody without password and one-time code, and able to be let in anew."""
    tx.execute(
        update(StaffRow)
        .where(StaffRow.id == staff_id)
        .values(password_hash=None, totp_secret=None, totp_step=None, disabled_at=None)
    )


def add_enrolment(tx: Connection, enrolment: Enrolment) -> None:
    """Adds a one-time link, in place of any other of theirs."""
    delete_enrolments(tx, enrolment.staff_id)
    tx.execute(
        insert(EnrolmentRow).values(
            sha256=enrolment.sha256,
            staff_id=enrolment.staff_id,
            totp_secret=enrolment.totp_secret,
            expires_at=enrolment.expires_at,
        )
    )


def find_enrolment(tx: Connection, sha256: bytes, now: datetime) -> Enrolment | None:
    """A live one-time link."""
    query = select(_enrolments).where(EnrolmentRow.sha256 == sha256, EnrolmentRow.expires_at > now)
    row = tx.execute(query).one_or_none()
    return None if row is None else _enrolment(row)


def take_enrolment(tx: Connection, sha256: bytes, now: datetime) -> Enrolment | None:
    """Uses a one-time link up: of many who try one has it."""
    row = tx.execute(
        delete(EnrolmentRow)
        .where(EnrolmentRow.sha256 == sha256, EnrolmentRow.expires_at > now)
        .returning(*_enrolments.columns)
    ).one_or_none()
    return None if row is None else _enrolment(row)


def delete_enrolments(tx: Connection, staff_id: UUID) -> None:
    """Makes the one-time links of a member of staff useless."""
    tx.execute(delete(EnrolmentRow).where(EnrolmentRow.staff_id == staff_id))


def delete_expired_enrolments(tx: Connection, now: datetime) -> int:
    """Removes one-time links past their time; how many."""
    return tx.execute(delete(EnrolmentRow).where(EnrolmentRow.expires_at <= now)).rowcount


def list_secrets(
    tx: Connection, name: str, after: UUID, limit: int
) -> Sequence[tuple[UUID, Sealed]]:
    """What is sealed of staff in one of `SECRETS`, by id."""
    column = _SECRETS[name]
    query = select(StaffRow.id, column).where(column.is_not(None), StaffRow.id > after)
    found = tx.execute(query.order_by(StaffRow.id).limit(limit))
    return [(staff_id, sealed) for staff_id, sealed in found if sealed is not None]


def replace_secret(tx: Connection, name: str, staff_id: UUID, old: Sealed, new: Sealed) -> None:
    """Puts a secret sealed anew in the place of the one it was made from, if still there."""
    column = _SECRETS[name]
    mine = (StaffRow.id == staff_id, column == old)
    tx.execute(update(StaffRow).where(*mine).values({column: new}))


def set_email(tx: Connection, staff_id: UUID, email: Sealed | None) -> None:
    """Sets where letters to a member of staff go; None is nowhere."""
    tx.execute(update(StaffRow).where(StaffRow.id == staff_id).values(email=email))


def list_emails(tx: Connection, role: Role) -> list[tuple[UUID, Sealed]]:
    """Where letters go to those of a role who are not disabled."""
    query = select(_staff).where(StaffRow.email.is_not(None), StaffRow.disabled_at.is_(None))
    found = tx.execute(query.order_by(StaffRow.id))
    return [(r.id, r.email) for r in found if role in r.roles.split()]


def take_turn(tx: Connection, staff_id: UUID, now: datetime, before: datetime) -> bool:
    """Notes that a member of staff is written to about requests now. False when they were since
    `before`: of many workers one gets True."""
    mine = (
        StaffRow.id == staff_id,
        or_(StaffRow.reminded_at.is_(None), StaffRow.reminded_at <= before),
    )
    return bool(tx.execute(update(StaffRow).where(*mine).values(reminded_at=now)).rowcount)


def _member(row: Row[Any]) -> Staff:
    return Staff(
        row.id,
        row.name,
        frozenset(Role(role) for role in row.roles.split()),
        row.password_hash is not None and row.totp_secret is not None,
        row.created_at,
        row.disabled_at,
        row.last_signed_in_at,
        row.email is not None,
    )


def _enrolment(row: Row[Any]) -> Enrolment:
    return Enrolment(bytes(row.sha256), row.staff_id, row.totp_secret, row.expires_at)
