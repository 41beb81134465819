"""Co-signatures: a witness saying that it saw a checkpoint, and none that contradicts it. No I/O.

A line under the checkpoint's note is of 4 bytes key id, 8 bytes seconds since 1970, 64 bytes
Ed25519 over `cosignature/v1`, the time, and the checkpoint's text. Source: C2SP tlog-cosignature.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from consent_service.ledger import notes
from consent_service.ledger.notes import BadNote, Signature, Verifier

_TIME_BYTES, _SIGNATURE_BYTES = 8, 64


class Cosignature(Struct, frozen=True):
    """A witness's line, without its newline, and when it was made, aware UTC."""

    line: str
    at: datetime


def read_cosigner(text: str) -> Verifier:
    """A witness's verifier key. Raises: BadNote."""
    return notes.read_verifier(text, notes.COSIGNATURE)


def find_cosignature(text: str, lines: Iterable[str], cosigner: Verifier) -> Cosignature | None:
    """The co-signature of this key under a checkpoint's text; None when no line claims to be one.
    Raises: BadNote for one that is wrong, and for what is no signature line."""
    for line in lines:
        signature = notes.read_signature(line)
        if signature.is_of(cosigner):
            return Cosignature(line, _check(text, signature, cosigner))
    return None


def message_of(text: str, seconds: int) -> bytes:
    """What a witness signs: a checkpoint's text, seen that many seconds after 1970."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _check(text: str, signature: Signature, cosigner: Verifier) -> datetime:
    if len(signature.raw) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadNote("a co-signature has another length")
    seconds = int.from_bytes(signature.raw[:_TIME_BYTES])
    notes.check_bytes(cosigner, signature.raw[_TIME_BYTES:], message_of(text, seconds))
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise BadNote("a co-signature is of no time that there is") from None
