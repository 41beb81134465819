"""Keeping witnesses, and taking in what they send by another way."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from consent_service.crypto.envelope import seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Conflict, Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import cosignatures, cosigning, log_keys, notes
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.ledger.notes import BadNote
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web import egress
from consent_service.web.egress import NotAllowed
from consent_service.witnesses import store
from consent_service.witnesses.model import EVERY, Kind, Witness, field_of

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")


def add_witness(
    name: str,
    kind: Kind,
    target: str,
    actor: Actor,
    now: datetime,
    keys: Keyring,
    *,
    verifier: str | None = None,
    every: timedelta = EVERY,
    private: bool = False,
) -> None:
    """Adds a witness, which is sent the newest checkpoint soon. Raises: Invalid, Conflict when the
    name is taken."""
    if not _NAME.fullmatch(name):
        raise Invalid.at("/name", "invalid", "1 to 64 of a-z, 0-9, _, . and -.")
    _check_target(kind, target, private)
    key = None if verifier is None else _checked_key(verifier)
    witness_id = new_uuid()
    sealed = seal(keys.master, field_of(witness_id), target.encode())
    new = Witness(witness_id, name, kind, sealed, key, private, every, now, now)
    with unit_of_work() as tx:
        if not store.add(tx, new):
            raise Conflict("There is a witness of this name.")
        _log(actor, "witness_added", now)


def disable_witness(name: str, actor: Actor, now: datetime) -> None:
    """Sends a witness nothing more; what it co-signed stays. Raises: NotFound."""
    with unit_of_work() as tx:
        if not store.disable(tx, name, now):
            raise NotFound("There is no such witness that is not disabled.")
        _log(actor, "witness_disabled", now)


def list_witnesses() -> list[Witness]:
    """Every witness, by name."""
    with reading() as tx:
        return store.list_all(tx)


def open_target(witness: Witness, keys: Keyring) -> str:
    """Where a witness is. Raises: MisconfiguredError, SealBroken."""
    key = keys.master_by_id(sealed_under(witness.target))
    return unseal(key, witness.target_field, witness.target).decode()


def record_cosignature(name: str, note: str, keys: Keyring) -> tuple[int, datetime]:
    """Takes in a checkpoint that a witness co-signed by another way; of how many leaves it is, and
    when that was. Raises: NotFound, Invalid, Conflict when this log is not what it saw."""
    with reading() as tx:
        witness = store.find(tx, name)
    if witness is None:
        raise NotFound("There is no witness of this name.")
    if witness.verifier is None:
        raise Invalid("This witness was added without a key.")
    try:
        text, lines = notes.split_note(note)
        claimed = notes.read_checkpoint(text)
        found = notes.open_checkpoint(note, log_keys.verifiers(keys, claimed.origin))
        kept = cosigning.find_checkpoint(found.size)
        if kept is None or not kept.note.startswith(text + "\n"):
            raise Conflict(
                f"FORK: we signed this checkpoint of {found.size} leaves, and this log has another "
                "one or none. Keep the file, and see `consent log verify --witnessed`."
            )
        cosigner = cosignatures.read_cosigner(witness.verifier)
        return kept.size, cosigning.record_cosignature(kept, name, cosigner, lines)
    except BadNote as error:
        raise Invalid(f"This cannot be taken in: {error}.") from None


def begin_anew() -> None:
    """Notes, in the caller's unit of work, that the log has a new name, of which no witness has
    anything."""
    with unit_of_work() as tx:
        store.set_none_sent(tx)


def _check_target(kind: Kind, target: str, private: bool) -> None:
    try:
        if kind is Kind.WEBHOOK:
            egress.check_url(target, private=private)
        elif kind is Kind.EMAIL:
            validate_email(target, check_deliverability=False)
    except (NotAllowed, EmailNotValidError) as error:
        raise Invalid.at("/target", "invalid", f"It {error}.") from None
    if kind is Kind.FILE and not (Path(target).is_absolute() and Path(target).is_dir()):
        raise Invalid.at("/target", "invalid", "A directory that is there, from the root on.")


def _checked_key(verifier: str) -> str:
    try:
        return str(cosignatures.read_cosigner(verifier))
    except BadNote as error:
        detail = f"A verifier key of C2SP's tlog-cosignature (Ed25519): {error}."
        raise Invalid.at("/verifier", "invalid", detail) from None


def _log(actor: Actor, what: str, now: datetime) -> None:
    entry_id = new_uuid()
    entry = Entry(
        entry_id,
        entry_id,
        False,
        EntryKind.STAFF_ACT,
        now,
        now,
        client_id=actor.id,
        reason=what,
    )
    ledger.append([ledger.bare_entry(entry)])
