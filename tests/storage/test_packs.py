"""An evidence pack is checked with itself and the key alone, and shows what was done to it. What
is in batches: `test_batches.py`."""

import io
import json
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.kernel.errors import Invalid, NotFound
from consent_service.ledger import notes, packs, proofs
from consent_service.ledger.notes import Checkpoint, verifier_of
from consent_service.ledger.verify import Broken
from tests.support import log


@pytest.fixture
def signed(app):
    """A log of 9 leaves, then 40; the checkpoint of 9."""
    with app.app_context():
        log.append(9, purpose="marketing.newsletter")
        log.seal()
        first = log.newest()
        log.append(31)
        log.seal()
    return first


@pytest.fixture
def pack(app, tmp_path, signed):
    """`pack(since)`: a pack's file."""

    def write(since=0):
        path = tmp_path / f"{since}.zip"
        with app.app_context(), path.open("wb") as file:
            packs.write_pack(file, since, log.verifiers())
        return path

    return write


@pytest.fixture
def check(app):
    with app.app_context():
        trusted = log.verifiers()
    return lambda path, since=None, keys=trusted, witnessed=(): packs.verify_pack(
        path, keys, since, witnessed
    )


def rewritten(path, **changes):
    """The pack with files changed: `name=function of its text`; None leaves it out."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            change = changes.get(name.partition(".")[0], lambda text: text)
            text = change(old.read(name).decode())
            if text is not None:
                new.writestr(name, text)
    path.write_bytes(made.getvalue())
    return path


def broken(check, path, *rest):
    with pytest.raises(Broken) as caught:
        check(path, *rest)
    return caught.value.index


def edit(index, **parts):
    def change(text):
        lines = text.splitlines(keepends=True)
        line = json.loads(lines[index])
        line["leaf"].update(parts)
        lines[index] = json.dumps(line) + "\n"
        return "".join(lines)

    return change


def test_a_pack_of_all_is_whole(pack, check):
    assert check(pack()).leaves == 40
    with zipfile.ZipFile(pack()) as opened:
        assert set(opened.namelist()) == {
            "README.txt", "checkpoint", "key", "before", "entries.ndjson", "answers.ndjson",
        }  # fmt: skip
        assert "leaves 0 to 39" in opened.read("README.txt").decode()


def test_a_pack_goes_on_from_a_checkpoint_that_was_kept(pack, check, signed):
    assert check(pack(9), signed).leaves == 31
    assert broken(check, pack(9)) == 0
    assert broken(check, pack(0), signed) == 9


def test_a_pack_of_another_history_is_named(pack, check, signed):
    other = notes.Checkpoint(signed.origin, 9, bytes(32))
    assert broken(check, pack(9), other) == 9


@pytest.mark.parametrize("index", [0, 17, 39])
def test_a_leaf_that_is_edited_is_named(pack, check, index):
    assert broken(check, rewritten(pack(), entries=edit(index, outcome="deny"))) == index


def test_leaf_and_hash_edited_together_do_not_make_the_root(pack, check):
    def forge(text):
        lines = text.splitlines(keepends=True)
        line = json.loads(lines[5])
        other = json.loads(lines[6])
        line["leaf"], line["hash"] = other["leaf"], other["hash"]
        return "".join([*lines[:5], json.dumps(line) + "\n", *lines[6:]])

    assert broken(check, rewritten(pack(), entries=forge)) == 0


@pytest.mark.parametrize(
    ("change", "index"),
    [
        (lambda text: "".join(text.splitlines(keepends=True)[:-1]), 39),
        (lambda text: "".join(text.splitlines(keepends=True)[1:]), 0),
        (lambda text: "".join(text.splitlines(keepends=True)[::-1]), 0),
        (lambda text: "", 0),
        (lambda text: text + text.splitlines(keepends=True)[-1], 40),
    ],
    ids=["last", "first", "reversed", "all", "twice"],
)
def test_leaves_that_are_missing_or_too_many_are_named(pack, check, change, index):
    assert broken(check, rewritten(pack(), entries=change)) == index


def test_a_pack_under_another_key_is_refused(pack, check, signed):
    other = [verifier_of(signed.origin, Ed25519PrivateKey.generate())]
    with pytest.raises(Invalid, match="not signed by this key"):
        check(pack(), None, other)
    forged = notes.sign(str(signed), signed.origin, [Ed25519PrivateKey.generate()])
    with pytest.raises(Invalid, match="not signed by this key"):
        check(rewritten(pack(), checkpoint=lambda _: forged))


@pytest.mark.parametrize(
    "changes",
    [
        {"checkpoint": lambda _: None},
        {"entries": lambda _: None},
        {"before": lambda _: None},
        {"entries": lambda _: "no json\n"},
        {"entries": lambda _: "[" * 100_000},
        {"entries": lambda _: "x" * 200_000},
        {"checkpoint": lambda _: "x" * (1 << 21)},
    ],
    ids=["checkpoint", "entries", "before", "text", "deep", "long line", "long checkpoint"],
)
def test_what_is_no_pack_is_told(pack, check, changes):
    with pytest.raises(Invalid):
        check(rewritten(pack(), **changes))


def test_a_file_that_is_no_zip_is_told(tmp_path, check):
    path = tmp_path / "pack.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(Invalid):
        check(path)


def test_hashes_before_that_are_too_short_are_told(pack, check, signed):
    path = rewritten(pack(9), before=lambda text: "AAAA\n" + text.partition("\n")[2])
    with pytest.raises(Invalid):
        check(path, signed)


def test_there_is_no_pack_of_nothing(app):
    with app.app_context():
        with pytest.raises(NotFound):
            packs.write_pack(io.BytesIO(), 0, log.verifiers())
        log.append()
        log.seal()
        with pytest.raises(Invalid):
            packs.write_pack(io.BytesIO(), 1, log.verifiers())


def test_what_a_witness_kept_is_held_against_a_pack(app, pack, check, signed):
    def kept(size, root=None):
        with app.app_context():
            return Checkpoint(log.ORIGIN, size, root or proofs.root_at(size))

    shown = [kept(size) for size in (40, 9, 17)]
    assert check(pack(), witnessed=shown).leaves == 40
    assert check(pack(9), signed, witnessed=shown).leaves == 31
    for wrong, index, what in (
        (kept(25, bytes(32)), 17, "a fork"),
        (kept(40, bytes(32)), 17, "a fork"),
        (kept(41, bytes(32)), 40, "missing: 41"),
    ):
        with pytest.raises(Broken, match=what) as caught:
            check(pack(), witnessed=[wrong, kept(17)])
        assert caught.value.index == index
    with pytest.raises(Invalid, match="starts after"):
        check(pack(9), signed, witnessed=[kept(7)])
