"""Staff: made by an administrator, enrolled by themselves, let in by password and code."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from consent_service.accounts import passwords, sessions, staff_store, store, totp
from consent_service.accounts.model import (
    ENROLMENT_LIFETIME,
    Browser,
    Credentials,
    Enrolment,
    NewLink,
    NotRecognised,
    Role,
    Staff,
    StaffExists,
    checked_roles,
    checked_staff_name,
    digest,
    new_token,
)
from consent_service.crypto.envelope import Field, Sealed, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers.key_marks import mark_keys
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.storage.unit_of_work import reading, unit_of_work

_NOBODY = UUID(int=0)
_PAGE = 500
_NOBODYS_SECRET = "A" * 32
_ONE_LETTER_A = timedelta(days=1)


def create_staff(
    name: str, roles: Iterable[str], actor: Actor, now: datetime, keys: Keyring
) -> NewLink:
    """Adds a member of staff, who cannot sign in before using the link, good for 24 hours.
    Raises: Invalid, StaffExists."""
    staff = Staff(
        new_uuid(), checked_staff_name(name), checked_roles(roles), False, now, None, None
    )
    with unit_of_work() as tx:
        if not staff_store.add(tx, staff):
            raise StaffExists()
        _log(actor, "staff_created", now)
        return _new_link(staff, now, keys)


def reset_staff(name: str, actor: Actor, now: datetime, keys: Keyring) -> NewLink:
    """Takes password and code away, ends every session, and makes a new link. Lets somebody who
    was disabled in again. Raises: NotFound."""
    with unit_of_work() as tx:
        staff = _get(name).staff
        staff_store.forget_credentials(tx, staff.id)
        store.delete_staff_sessions(tx, staff.id)
        _log(actor, "staff_reset", now)
        return _new_link(staff, now, keys)


def disable_staff(name: str, actor: Actor, now: datetime) -> None:
    """Shuts a member of staff out, from their next request on. Raises: NotFound."""
    with unit_of_work() as tx:
        staff = _get(name).staff
        staff_store.disable(tx, staff.id, now)
        staff_store.delete_enrolments(tx, staff.id)
        store.delete_staff_sessions(tx, staff.id)
        _log(actor, "staff_disabled", now)


def list_staff() -> list[Staff]:
    """All staff, by name."""
    with reading() as tx:
        return staff_store.list_all(tx)


def find_staff(staff_id: UUID) -> Staff | None:
    """A member of staff who is not disabled."""
    with reading() as tx:
        found = staff_store.find(tx, staff_id)
    return None if found is None or found.disabled_at is not None else found


def look_at_enrolment(token: str, now: datetime, keys: Keyring) -> tuple[Staff, str] | None:
    """Whose one-time link it is, and the secret of the code it offers; None when it is no more."""
    with reading() as tx:
        enrolment = staff_store.find_enrolment(tx, digest(token), now)
    if enrolment is None:
        return None
    staff = find_staff(enrolment.staff_id)
    return None if staff is None else (staff, _open_offer(enrolment, keys))


def enrol(token: str, password: str, code: str, now: datetime, keys: Keyring) -> bool:
    """Sets password and one-time code, and uses the link up. False when the link is no more, or
    the code is not of the secret it offered."""
    with unit_of_work() as tx:
        found = look_at_enrolment(token, now, keys)
        if found is None:
            return False
        staff, secret = found
        step = totp.matching_step(secret, code, now, None)
        if step is None:
            return False
        if staff_store.take_enrolment(tx, digest(token), now) is None:
            return False
        mark_keys(keys, now)
        sealed = seal(keys.master, _field(staff.id), secret.encode())
        staff_store.set_credentials(tx, staff.id, passwords.hash_of(password), sealed, step)
        _log(Actor(ActorKind.STAFF, staff.name), "staff_enrolled", now)
    return True


def sign_in(
    name: str,
    password: str,
    code: str,
    browser: Browser,
    previous: str | None,
    now: datetime,
    keys: Keyring,
) -> str | None:
    """Begins a session; the cookie's value. None when anything is wrong: an unknown name, a
    wrong password, a wrong or used code and a disabled account all go the same way through
    here. Source: ASVS 6.3.8, 6.5.1."""
    found = _fitting(name, password, code, now, keys)
    if found is None:
        return None
    member, step = found
    with unit_of_work() as tx:
        if not staff_store.use_code(tx, member.id, step, now):
            return None
        _log(Actor(ActorKind.STAFF, member.name), "staff_signed_in", now)
        return sessions.begin(None, member.id, browser, previous, now)


def recognise(name: str, password: str, code: str, now: datetime, keys: Keyring) -> Staff:
    """Who acts, by password and a one-time code that is used up, for an act that a session is not
    enough for. Raises: NotRecognised."""
    found = _fitting(name, password, code, now, keys)
    if found is not None:
        member, step = found
        with unit_of_work() as tx:
            if staff_store.use_code(tx, member.id, step, now):
                return member
    raise NotRecognised()


def rewrap_batch(keys: Keyring, limit: int) -> int:
    """Seals up to `limit` secrets of staff, one-time codes and addresses, under the newest master
    key; how many it found to do. Raises: MisconfiguredError when an old master key is missing."""
    done = 0
    with unit_of_work():
        for name in staff_store.SECRETS:
            done += _rewrap(name, keys, limit - done)
    return done


def _rewrap(name: str, keys: Keyring, limit: int) -> int:
    done, after = 0, _NOBODY
    with unit_of_work() as tx:
        while done < limit:
            page = staff_store.list_secrets(tx, name, after, limit)
            if not page:
                break
            for staff_id, sealed in page:
                after = staff_id
                if sealed_under(sealed) != keys.master.id:
                    field = Field(name, staff_id, staff_id)
                    new = seal(keys.master, field, _open(sealed, field, keys).encode())
                    staff_store.replace_secret(tx, name, staff_id, sealed, new)
                    done += 1
    return done


def count_secrets_by_master() -> Counter[bytes]:
    """How many secrets of staff are sealed under which master key id."""
    found: Counter[bytes] = Counter()
    for name in staff_store.SECRETS:
        after = _NOBODY
        with reading() as tx:
            while page := staff_store.list_secrets(tx, name, after, _PAGE):
                found.update(sealed_under(sealed) for _, sealed in page)
                after = page[-1][0]
    return found


def set_email(name: str, email: str | None, actor: Actor, now: datetime, keys: Keyring) -> None:
    """Sets where letters to a member of staff go; None is nowhere. Raises: Invalid, NotFound."""
    address = None if email is None else _checked_email(email)
    with unit_of_work() as tx:
        staff = _get(name).staff
        mark_keys(keys, now)
        sealed = None
        if address is not None:
            sealed = seal(keys.master, _email_field(staff.id), address.encode())
        staff_store.set_email(tx, staff.id, sealed)
        _log(actor, "staff_email_removed" if email is None else "staff_email_set", now)


def list_emails(role: Role, keys: Keyring) -> list[tuple[UUID, str]]:
    """Where letters go to those of a role who are not disabled, by their ids."""
    with reading() as tx:
        found = staff_store.list_emails(tx, role)
    return [(each, _open(sealed, _email_field(each), keys)) for each, sealed in found]


def take_turn(staff_id: UUID, now: datetime) -> bool:
    """Whether a member of staff may be written to about requests, at most once a day; now they
    were, in the caller's unit of work."""
    with unit_of_work() as tx:
        return staff_store.take_turn(tx, staff_id, now, now - _ONE_LETTER_A)


def delete_expired_enrolments(now: datetime) -> int:
    """Removes one-time links past their time; how many."""
    with unit_of_work() as tx:
        return staff_store.delete_expired_enrolments(tx, now)


def _fitting(
    name: str, password: str, code: str, now: datetime, keys: Keyring
) -> tuple[Staff, int] | None:
    """Whom password and code are of, and the code's step. The same work whatever is wrong."""
    with reading() as tx:
        kept = staff_store.find_by_name(tx, name)
    password_fits = passwords.matches(None if kept is None else kept.password_hash, password)
    step = totp.matching_step(_secret_of(kept, keys), code, now, None)
    if kept is None or kept.totp_secret is None or not password_fits or step is None:
        return None
    return kept.staff, step


def _new_link(staff: Staff, now: datetime, keys: Keyring) -> NewLink:
    token = new_token()
    sha256 = digest(token)
    offer = Field("staff_enrolment.totp_secret", staff.id, UUID(bytes=sha256[:16]))
    sealed = seal(keys.master, offer, totp.new_secret().encode())
    with unit_of_work() as tx:
        staff_store.add_enrolment(tx, Enrolment(sha256, staff.id, sealed, now + ENROLMENT_LIFETIME))
    return NewLink(staff.name, token)


def _open_offer(enrolment: Enrolment, keys: Keyring) -> str:
    row = UUID(bytes=enrolment.sha256[:16])
    offer = Field("staff_enrolment.totp_secret", enrolment.staff_id, row)
    return _open(enrolment.totp_secret, offer, keys)


def _secret_of(kept: Credentials | None, keys: Keyring) -> str:
    if kept is None or kept.totp_secret is None:
        return _NOBODYS_SECRET
    return _open(kept.totp_secret, _field(kept.staff.id), keys)


def _checked_email(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError:
        raise Invalid.at("/email", "invalid", "Not an e-mail address.") from None


def _email_field(staff_id: UUID) -> Field:
    return Field("staff.email", staff_id, staff_id)


def _open(sealed: Sealed, field: Field, keys: Keyring) -> str:
    return unseal(keys.master_by_id(sealed_under(sealed)), field, sealed).decode()


def _field(staff_id: UUID) -> Field:
    return Field("staff.totp_secret", staff_id, staff_id)


def _get(name: str) -> Credentials:
    with unit_of_work() as tx:
        found = staff_store.find_by_name(tx, name, lock=True)
    if found is None:
        raise NotFound("There is no member of staff with this name.")
    return found


def _log(actor: Actor, what: str, now: datetime) -> None:
    made, kind = new_uuid(), EntryKind.STAFF_ACT
    entry = Entry(made, made, False, kind, now, now, client_id=actor.id, reason=what)
    ledger.append([ledger.bare_entry(entry)])
