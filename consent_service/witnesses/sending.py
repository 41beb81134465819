"""Sending checkpoints: whoever is due, one after another, each whatever became of the others."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from msgspec import Struct

from consent_service.crypto.envelope import SealBroken
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.errors import MisconfiguredError, NotFound
from consent_service.ledger import cosignatures, cosigning, proofs
from consent_service.ledger.notes import BadNote
from consent_service.ledger.tree_store import Kept
from consent_service.mail import service as mail
from consent_service.mail.model import retry_at
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web import egress
from consent_service.web.egress import NoAnswer, NotAllowed
from consent_service.witnesses import files, letters, protocol, store
from consent_service.witnesses.model import Fork, Kind, NotSent, Witness
from consent_service.witnesses.service import open_target

_LETTER_LIVES = timedelta(days=7)

_log = structlog.get_logger("consent.witnesses")


class Sent(Struct, frozen=True):
    """What became of one: the size it was sent, and why it did not take it, if so."""

    witness: str
    size: int
    error: str | None = None


def send_due(now: datetime, keys: Keyring, *, can_mail: bool) -> list[Sent]:
    """Sends the newest checkpoint to those whose time has come. Raises: Unavailable."""
    due = [each for each in _list_behind() if each.due_at <= now]
    return _send_all(due, now, keys, can_mail)


def send_now(name: str | None, now: datetime, keys: Keyring, *, can_mail: bool) -> list[Sent]:
    """Sends it to all, or to one, whether or not the time has come; those who have it are left
    out. Raises: NotFound, Unavailable."""
    with reading() as tx:
        if name is not None and store.find(tx, name) is None:
            raise NotFound("There is no witness of this name.")
    wanted = [each for each in _list_behind() if name in (None, each.name)]
    return _send_all(wanted, now, keys, can_mail)


def _list_behind() -> list[Witness]:
    try:
        newest = proofs.get_checkpoint()
    except NotFound:
        return []
    with reading() as tx:
        return store.list_behind(tx, newest.size)


def _send_all(
    witnesses: Iterable[Witness], now: datetime, keys: Keyring, can_mail: bool
) -> list[Sent]:
    found = (_send(each, now, keys, can_mail) for each in witnesses)
    return [each for each in found if each is not None]


def _send(witness: Witness, now: datetime, keys: Keyring, can_mail: bool) -> Sent | None:
    """Puts it off first, so that one that ends a worker does not come first again, and no second
    worker sends it too; None when another one does."""
    with unit_of_work() as tx:
        if not store.claim(tx, witness, retry_at(witness.failed_tries + 1, now)):
            return None
    kept = proofs.get_checkpoint()
    try:
        _hand_over(witness, kept, now, keys, can_mail)
    except (NotSent, NotAllowed, NoAnswer, BadNote, SealBroken, MisconfiguredError) as error:
        return _failed(witness, kept, error)
    _log.info("witnesses:checkpoint:sent", witness=witness.name, size=kept.size)
    return Sent(witness.name, kept.size)


def _failed(witness: Witness, kept: Kept, error: Exception) -> Sent:
    text = _said(error)
    with unit_of_work() as tx:
        store.set_failed(tx, witness.id, text)
    about = {"witness": witness.name, "size": kept.size, "fault": text}
    if isinstance(error, Fork):
        _log.error("witnesses:log:forked", **about)
    else:
        _log.warning("witnesses:checkpoint:not_sent", **about)
    return Sent(witness.name, kept.size, text)


def _said(error: Exception) -> str:
    if isinstance(error, Fork):
        return f"FORK: {error}"
    if isinstance(error, BadNote):
        return f"what it answers is refused: {error}"
    if isinstance(error, SealBroken | MisconfiguredError):
        return "its target cannot be opened with these keys"
    return f"it {error}" if isinstance(error, NotAllowed | NoAnswer) else str(error)


def _hand_over(witness: Witness, kept: Kept, now: datetime, keys: Keyring, can_mail: bool) -> None:
    target = open_target(witness, keys)
    if witness.kind is Kind.EMAIL and not can_mail:
        raise NotSent("there is no mail server: set CONSENT_SMTP_HOST")
    lines = None
    if witness.kind is Kind.FILE:
        files.put_checkpoint(Path(target), kept)
    elif witness.kind is Kind.WEBHOOK:
        lines = _post(witness, target, kept)
    with unit_of_work() as tx:
        if witness.kind is Kind.EMAIL:
            letter = letters.checkpoint(target, kept)
            kind, expires_at = letters.CHECKPOINT, now + _LETTER_LIVES
            mail.post(letter, kind, None, keys.master, now, expires_at)
        if lines is not None and witness.verifier is not None:
            cosigner = cosignatures.read_cosigner(witness.verifier)
            cosigning.record_cosignature(kept, witness.name, cosigner, lines)
        store.set_sent(tx, witness.id, kept.size, now, now + witness.every)


def _post(witness: Witness, target: str, kept: Kept) -> list[str] | None:
    """The lines it answers with; None from one that only keeps."""
    if witness.verifier is not None:
        old = witness.sent_size
        return protocol.add_checkpoint(target, kept, old, private=witness.private)
    kind = "text/plain; charset=utf-8"
    answer = egress.post(target, kept.note.encode(), kind, private=witness.private)
    if not 200 <= answer.status < 300:
        raise NotSent(f"it answers {answer.status}")
    return None
