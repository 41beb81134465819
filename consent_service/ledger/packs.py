"""Evidence packs: the leaves from a size on, with all it takes to check them offline.

A ZIP of `checkpoint` (signed note), `key` (verifier keys), `before` (base64, a line each: the
roots of the whole parts of the tree before the first leaf here, the largest first),
`entries.ndjson` (a line a leaf: `index`, `hash`, `leaf`), `answers.ndjson` (a line for each answer
in a leaf of kind `batch`: `index` of the leaf, `answer`, `hash`, `leaf`, null once its entry is
gone), and `README.txt`. A leaf's bytes are the RFC 8785 form of `leaf`. Adding the leaves to
`before` gives the tree of the checkpoint; the root over a batch's answers is its `commitment`.
"""

import base64
import json
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import rfc8785

from consent_service.kernel.errors import Invalid
from consent_service.ledger import batches, notes, proofs, tree_store
from consent_service.ledger.merkle import HASH_BYTES, Growing, leaf_hash
from consent_service.ledger.model import EntryKind
from consent_service.ledger.notes import BadNote, Checkpoint, NotSigned, Verifier
from consent_service.ledger.verify import Broken, Report
from consent_service.storage.unit_of_work import reading

_PAGE = 2_000
_LONGEST_LINE = 1 << 17
_LONGEST_FILE = 1 << 20
_ENTRIES, _ANSWERS = "entries.ndjson", "answers.ndjson"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,  # encrypted, or nested too deep
    NotImplementedError,
)
_README = """\
This is an evidence pack of the log {origin}: leaves {first} to {last}.

Each line of entries.ndjson is one thing that happened: a check whether data may be used, a use, a
choice, an erasure. It names no person. "commitment" is SHA-256 of a salt and the details; whoever
is shown both can see that they are what was logged.

A line of kind "batch" stands for answers that were given together. They are in answers.ndjson, and
the root over their hashes is its "commitment".

To check it without trusting who gave it to you, take the key you were given before, by another
way than this file, and run

    consent log verify --file PACK --key KEY --since CHECKPOINT

where CHECKPOINT is the one you kept from the last pack (leave --since out for the first one).
Keep the file "checkpoint" of this pack for the next time.

By hand: the bytes of a leaf are the canonical JSON of "leaf" (RFC 8785). Its hash is SHA-256 of a
zero byte and these bytes; two neighbours make SHA-256 of a one byte and both hashes (RFC 6962). The
root over all leaves, base64, is the third line of "checkpoint", which is signed with Ed25519 as
C2SP's signed-note says.
"""


def write_pack(file: IO[bytes], since: int, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Writes what came to the log since it had so many leaves; the checkpoint it leads to. Raises:
    Invalid, NotFound when nothing was signed yet."""
    kept = proofs.get_checkpoint()
    if not 0 <= since < kept.size:
        raise Invalid.at("/since", "out_of_range", "0 to less than the size of the newest tree.")
    signed = notes.open_checkpoint(kept.note, verifiers)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        readme = _README.format(origin=signed.origin, first=since, last=signed.size - 1)
        pack.writestr("README.txt", readme)
        pack.writestr("checkpoint", kept.note)
        pack.writestr("key", "".join(f"{verifier}\n" for verifier in verifiers))
        parts = proofs.list_parts(since)
        pack.writestr("before", "".join(base64.b64encode(one).decode() + "\n" for one in parts))
        with pack.open(_ENTRIES, "w", force_zip64=True) as entries:
            for line in _lines(since, signed.size):
                entries.write(line)
        with pack.open(_ANSWERS, "w", force_zip64=True) as answers:
            for at in range(since, signed.size, _PAGE):
                for line in batches.list_lines(at, min(at + _PAGE, signed.size)):
                    answers.write(line)
    return signed


def _lines(lo: int, hi: int) -> Iterator[bytes]:
    for at in range(lo, hi, _PAGE):
        with reading() as tx:
            page = tree_store.list_leaves(tx, at, min(at + _PAGE, hi))
        for index, _, leaf in page:
            hashed = base64.b64encode(leaf_hash(leaf))
            yield b'{"index":%d,"hash":"%b","leaf":%b}\n' % (index, hashed, leaf)


def verify_pack(
    path: Path,
    verifiers: Sequence[Verifier],
    since: Checkpoint | None,
    witnessed: Sequence[Checkpoint] = (),
) -> Report:
    """Checks a pack offline, from `since` on, a checkpoint that was kept, and against those that a
    witness kept. Raises: Broken, Invalid for what is no pack, is not signed by these keys, or says
    nothing of a witness's."""
    first = 0 if since is None else since.size
    if any(one.size < first for one in witnessed):
        raise Invalid("The pack starts after what the witness saw. Check an earlier one.")
    try:
        with zipfile.ZipFile(path) as pack:
            return _verify(pack, verifiers, since, sorted(witnessed, key=lambda one: one.size))
    except _DAMAGED as error:
        raise Invalid(f"This is no evidence pack, or a damaged one: {error}") from None


def _verify(
    pack: zipfile.ZipFile,
    verifiers: Sequence[Verifier],
    since: Checkpoint | None,
    witnessed: list[Checkpoint],
) -> Report:
    first = 0 if since is None else since.size
    try:
        signed = notes.open_checkpoint(_text(pack, "checkpoint"), verifiers)
    except NotSigned:
        raise Invalid(
            "This pack is not signed by this key: it is of another log, or the key is."
        ) from None
    except BadNote as error:
        raise Broken(first, f"the checkpoint: {error}") from None
    parts = [base64.b64decode(line, validate=True) for line in _text(pack, "before").splitlines()]
    tree = _before(parts, first, since)
    held = _compare(tree, witnessed, first)
    gone = 0
    with closing(_read_lines(pack, _ENTRIES)) as lines, closing(_answers(pack)) as more:
        answers = _Answers(more)
        for line in lines:
            leaf = _take(tree, json.loads(line))
            if leaf.get("kind") == EntryKind.BATCH:
                gone += answers.check(tree.size - 1, leaf)
            held = _compare(tree, witnessed, held)
        answers.check_end(tree.size)
    expected = max([signed.size, *(one.size for one in witnessed)])
    if tree.size < expected:
        raise Broken(tree.size, f"missing: {expected} leaves were signed")
    if not signed.size or tree.size > signed.size or tree.root() != signed.root:
        raise Broken(first, f"or a later one is not what the checkpoint of {signed.size} signed")
    return Report(tree.size - first, gone, 1)


def _before(parts: Sequence[bytes], first: int, since: Checkpoint | None) -> Growing:
    if any(len(part) != HASH_BYTES for part in parts):
        raise Invalid("A hash in the pack is not 32 bytes.")
    if len(parts) != first.bit_count():
        raise Broken(first, "missing: the pack does not start here")
    tree = Growing.of(first, parts)
    if since is not None and tree.root() != since.root:
        raise Broken(first, "or an earlier one was changed: the tree that was kept is another one")
    return tree


def _compare(tree: Growing, witnessed: list[Checkpoint], held: int) -> int:
    """Compares with what a witness saw of this size, and takes that away; the size up to which
    what witnesses saw holds."""
    while witnessed and witnessed[0].size == tree.size:
        if tree.root() != witnessed.pop(0).root:
            raise Broken(held, f"or a later one is not what a witness saw of {tree.size}: a fork")
        held = tree.size
    return held


def _take(tree: Growing, line: Any) -> dict[str, Any]:
    if not isinstance(line, dict) or line.get("index") != tree.size:
        raise Broken(tree.size, "missing")
    leaf = line.get("leaf")
    hashed = leaf_hash(rfc8785.dumps(leaf))
    if base64.b64encode(hashed).decode() != line.get("hash"):
        raise Broken(tree.size, "it does not hash to what stands beside it")
    tree.add(hashed)
    return leaf if isinstance(leaf, dict) else {}


class _Answers:
    """The answers in a pack, in the order of their leaves."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines: Iterator[Any] = map(json.loads, lines)
        self._next: Any = next(self._lines, None)

    def check(self, index: int, batch: Mapping[str, Any]) -> int:
        """Holds the answers of a leaf against it; how many of them are gone. A batch of which
        nothing is left, past its retention, has none to show. Raises: Broken."""
        tree, gone = Growing(), 0
        while self._next is not None and self._next["index"] == index:
            tree.add(self._hash(index, tree.size))
            gone += self._next["leaf"] is None
            self._next = next(self._lines, None)
        if tree.size and base64.b64encode(tree.root()).decode() != batch.get("commitment"):
            raise Broken(index, "its answers are not what was sealed")
        return gone

    def check_end(self, size: int) -> None:
        """That there are no answers of other leaves. Raises: Broken."""
        if self._next is not None:
            raise Broken(min(size, self._next["index"]), "answers of it that are of no batch")

    def _hash(self, index: int, at: int) -> bytes:
        line = self._next
        hashed = base64.b64decode(line["hash"], validate=True)
        if line["answer"] != at or len(hashed) != HASH_BYTES:
            raise Broken(index, f"its answer {at} is missing")
        if line["leaf"] is not None and leaf_hash(rfc8785.dumps(line["leaf"])) != hashed:
            raise Broken(index, f"its answer {at} does not hash to what stands beside it")
        return hashed


def _text(pack: zipfile.ZipFile, name: str) -> str:
    with pack.open(name) as file:
        raw = file.read(_LONGEST_FILE + 1)
    if len(raw) > _LONGEST_FILE:
        raise ValueError(f"{name} is too long")
    return raw.decode()


def _answers(pack: zipfile.ZipFile) -> Generator[bytes]:
    """None in a pack of before there were batches."""
    if _ANSWERS in pack.namelist():
        yield from _read_lines(pack, _ANSWERS)


def _read_lines(pack: zipfile.ZipFile, name: str) -> Generator[bytes]:
    with pack.open(name) as file:
        while line := file.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise ValueError("a line is too long")
            yield line
