"""Signed notes, checkpoints and proofs as text. No I/O.

Source: C2SP signed-note, tlog-checkpoint, tlog-proof.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from consent_service.ledger.merkle import HASH_BYTES

ED25519, COSIGNATURE = b"\x01", b"\x04"  # what a key signs: notes, or `cosignature/v1`
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NAME = re.compile(r"[^\s+]+")
_MOST_SIGNATURES = 64
_PROOF = "c2sp.org/tlog-proof@v1"


class BadNote(Exception):
    """A note, checkpoint, key or proof that is not one, or is not signed as it says."""


class NotSigned(BadNote):
    """A note that no known key signed: of somebody else, or the keys are."""


class Verifier(Struct, frozen=True):
    """A public key under the name it signs by."""

    name: str
    public: bytes
    algorithm: bytes = ED25519

    @property
    def id(self) -> bytes:
        """The key's 4-byte id."""
        key = self.algorithm + self.public
        return hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]

    def __str__(self) -> str:
        """The key as a verifier key, for others to take in."""
        return f"{self.name}+{self.id.hex()}+{_base64(self.algorithm + self.public)}"


class Signature(Struct, frozen=True):
    """A line under a note: who signed, by which key's id, and what the key made."""

    name: str
    key_id: bytes
    raw: bytes

    def is_of(self, verifier: Verifier) -> bool:
        """Whether it claims to be of that key."""
        return self.name == verifier.name and self.key_id == verifier.id


class Checkpoint(Struct, frozen=True):
    """A tree: the log's name, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def verifier_of(name: str, private: Ed25519PrivateKey) -> Verifier:
    """The public half of a key."""
    return Verifier(name, private.public_key().public_bytes_raw())


def read_verifier(text: str, algorithm: bytes = ED25519) -> Verifier:
    """A verifier key of that kind. Raises: BadNote."""
    name, _, rest = text.strip().partition("+")
    key_id, _, key = rest.partition("+")
    raw = _bytes(key)
    found = Verifier(name, raw[1:], algorithm)
    if not _NAME.fullmatch(name) or raw[:1] != algorithm or len(raw) != 33:
        raise BadNote("this is no verifier key of a kind that is known here")
    if found.id.hex() != key_id:
        raise BadNote("the verifier key does not fit its id")
    return found


def sign(text: str, name: str, keys: Iterable[Ed25519PrivateKey]) -> str:
    """The note of a text, signed by every key."""
    lines = [
        f"— {name} {_base64(verifier_of(name, key).id + key.sign(text.encode()))}\n" for key in keys
    ]
    return text + "\n" + "".join(lines)


def open_note(note: str, verifiers: Sequence[Verifier]) -> str:
    """The text of a note that one of these keys signed. A signature of a known key that is wrong
    spoils the note. Raises: BadNote, NotSigned."""
    text, lines = split_note(note)
    if not sum(_is_signed(text, read_signature(line), verifiers) for line in lines):
        raise NotSigned("no known key signed the note")
    return text


def split_note(note: str) -> tuple[str, list[str]]:
    """Text and signature lines of a note, whoever signed it. Raises: BadNote."""
    if any(letter < " " and letter != "\n" for letter in note):
        raise BadNote("the note has characters that no note has")
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or lines.pop() or not lines or len(lines) > _MOST_SIGNATURES:
        raise BadNote("this is no signed note")
    return text + "\n", lines


def read_signature(line: str) -> Signature:
    """A signature line. Raises: BadNote."""
    dash, _, rest = line.partition(" ")
    name, _, signature = rest.partition(" ")
    raw = _bytes(signature)
    if dash != "—" or not _NAME.fullmatch(name) or len(raw) < 5:
        raise BadNote("the note has a line that is no signature")
    return Signature(name, raw[:4], raw[4:])


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Raises: BadNote."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _NUMBER.fullmatch(lines[1]):
        raise BadNote("this is no checkpoint")
    root = _bytes(lines[2])
    if len(root) != HASH_BYTES:
        raise BadNote("the checkpoint's root is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in a note that one of these keys signed, which names the log they are of.
    Raises: BadNote, NotSigned."""
    found = read_checkpoint(open_note(note, verifiers))
    if found.origin not in {verifier.name for verifier in verifiers}:
        raise BadNote("the checkpoint is of another log")
    return found


def write_proof(index: int, hashes: Iterable[bytes], checkpoint: str) -> str:
    """A receipt: that a leaf is in the tree of a signed checkpoint."""
    lines = [_PROOF, f"index {index}", *map(_base64, hashes)]
    return "\n".join(lines) + "\n\n" + checkpoint


def read_proof(text: str) -> tuple[int, list[bytes], str]:
    """Index, hashes and checkpoint of a receipt. Raises: BadNote."""
    head, blank, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if lines and lines[0].startswith("extra "):
        del lines[0]
    word, _, index = lines[0].partition(" ") if lines else ("", "", "")
    if not blank or first != _PROOF or word != "index" or not _NUMBER.fullmatch(index):
        raise BadNote("this is no proof")
    return int(index), [_bytes(line) for line in lines[1:]], checkpoint


def _is_signed(text: str, signature: Signature, verifiers: Sequence[Verifier]) -> bool:
    known = [verifier for verifier in verifiers if signature.is_of(verifier)]
    for verifier in known:
        check_bytes(verifier, signature.raw, text.encode())
    return bool(known)


def check_bytes(verifier: Verifier, signature: bytes, signed: bytes) -> None:
    """Checks an Ed25519 signature over bytes. Raises: BadNote."""
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise BadNote("a signature of a known key is wrong") from None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("this is not base64") from None
