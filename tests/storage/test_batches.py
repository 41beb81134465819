"""Answers that were given together have one leaf, which proves each of them."""

import hashlib
import json
import zipfile
from base64 import b64decode
from datetime import timedelta
from uuid import UUID

import pytest
import rfc8785
from msgspec.structs import replace

from consent_service.kernel.clock import utc_now
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, new_uuids
from consent_service.ledger import (
    batches,
    packs,
    personal_data,
    proofs,
    retention,
    service,
    store,
)
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.ledger.verify import Broken
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import log


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def lines_of(index):
    return [json.loads(line) for line in batches.get_lines(index)]


def leaf_at(index):
    raw = proofs.get_bundle(0, index + 1)
    for _ in range(index):
        raw = raw[2 + int.from_bytes(raw[:2]) :]
    return json.loads(raw[2:])


def root(hashes):
    """RFC 6962, written down once more."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    left, right = root(hashes[:half]), root(hashes[half:])
    return hashlib.sha256(b"\1" + left + right).digest()


def run(statement, *values):
    with unit_of_work() as tx:
        on_sqlite = tx.dialect.name == "sqlite"
        marked = statement if on_sqlite else statement.replace("?", "%s")
        given = [one.hex if on_sqlite and isinstance(one, UUID) else one for one in values]
        assert tx.exec_driver_sql(marked, tuple(given)).rowcount == 1


def entries():
    with reading() as tx:
        return store.list_entries(tx, EntryFilter(), None, 1_000)


def erase(customer):
    with unit_of_work() as tx:
        log.say_erased(sum(personal_data.forget(tx, [CustomerId(customer)]).values()))


def broken():
    with pytest.raises(Broken) as caught:
        log.verify()
    return str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 5, 300])
def test_one_leaf_is_of_all_answers(count):
    log.append(3)
    log.seal()
    log.append_batch(count, purpose="marketing.newsletter", reason="consent_given")
    assert log.seal() == 1
    lines = lines_of(3)
    assert [(line["index"], line["answer"]) for line in lines] == [(3, at) for at in range(count)]
    assert {line["leaf"]["reason"] for line in lines} == {"consent_given"}
    assert len({line["leaf"]["token"] for line in lines}) == count
    hashes = [hashlib.sha256(b"\0" + rfc8785.dumps(line["leaf"])).digest() for line in lines]
    assert [b64decode(line["hash"]) for line in lines] == hashes
    leaf = leaf_at(3)
    assert leaf["kind"] == "batch"
    assert b64decode(leaf["commitment"]) == root(hashes)
    assert log.verify().leaves == 4


def test_answers_lead_to_the_leaf_of_their_batch():
    log.append(2)
    log.seal()
    _, ids = log.append_batch(3)
    assert proofs.find_indexes([log.an_entry()]) == {}
    log.seal()
    found = [entry for entry in entries() if entry.id in ids]
    assert proofs.find_indexes(found) == dict.fromkeys(ids, 2)


def test_what_is_no_batch_has_no_answers():
    log.append(1)
    log.seal()
    for index in (0, 1, 10**30):
        with pytest.raises(NotFound):
            batches.get_lines(index)


def test_an_erased_answer_keeps_its_hash_and_nothing_else():
    _, ids = log.append_batch(5, outcome="permit")
    with pytest.raises(personal_data.NotSealedYet):
        erase(ids[2])
    log.seal()
    before = lines_of(0)
    for gone in (ids[2], ids[4], ids[2]):
        erase(gone)
    assert lines_of(0) == [
        {**line, "leaf": None} if line["answer"] in (2, 4) else line for line in before
    ]
    assert log.verify().erased == 2


def test_what_is_done_to_an_answer_is_named():
    _, ids = log.append_batch(5, outcome="permit")
    log.seal()
    log.append(1)
    log.seal()
    run("UPDATE ledger_entries SET outcome = 'deny' WHERE id = ?", ids[1])
    assert broken() == "leaf 0: the entry of answer 1 is not what was sealed"
    run("UPDATE ledger_entries SET outcome = 'permit' WHERE id = ?", ids[1])
    assert log.verify().leaves == 2
    run("DELETE FROM ledger_entries WHERE id = ?", ids[3])
    assert broken() == "leaf 0: the entry of answer 3 is gone, and was not erased"


def test_an_answer_put_in_afterwards_is_named():
    batch_id, _ = log.append_batch(2)
    late = log.an_entry(UUID(int=batch_id.int + 3))
    service.append([replace(late, batch_id=batch_id)])
    log.seal()
    assert broken() == "leaf 0: it has more answers than were sealed"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("UPDATE ledger_batches SET hashes = gone", "the hashes of its answers were changed"),
        ("DELETE FROM ledger_batches", "its answers are missing"),
        ("UPDATE ledger_entries SET commitment = token WHERE kind = 'batch'", "its entry is not"),
    ],
)
def test_a_batch_that_is_changed_is_named(text, what):
    log.append_batch(5)
    log.seal()
    run(text)
    assert what in broken()


def test_a_batch_goes_after_its_last_answer():
    log.append_batch(5)
    log.append(2, kind=EntryKind.STAFF_ACT)
    log.seal()
    later = utc_now() + timedelta(days=2_000)
    assert retention.forget(later, {EntryKind.DECISION: 3_000, EntryKind.BATCH: 30}) == 0
    assert retention.forget(later, {EntryKind.DECISION: 30, EntryKind.BATCH: 30}) == 6
    assert {entry.kind for entry in entries()} == {EntryKind.STAFF_ACT}
    with pytest.raises(NotFound):
        batches.get_lines(0)
    assert log.verify().erased == 1


def test_ids_in_a_row_are_new_each_time():
    first, second = new_uuids(10_001), new_uuids(10_001)
    assert not set(first) & set(second)
    assert [one.int - first[0].int for one in first] == list(range(10_001))
    assert {(one.version, one.variant) for one in first} == {(7, first[0].variant)}


@pytest.fixture
def pack(tmp_path):
    """`pack(since)`: a pack with batches of 3 and 300 at leaves 2 and 5, of whose answers one
    is erased."""
    log.append(2)
    log.seal()
    _, ids = log.append_batch(3, outcome="permit")
    log.seal()
    log.append(2)
    log.seal()
    log.append_batch(300)
    log.seal()
    erase(ids[1])

    def write(since=0):
        path = tmp_path / f"{since}.zip"
        with path.open("wb") as file:
            packs.write_pack(file, since, log.verifiers())
        return path

    return write


def rewritten(path, change):
    with zipfile.ZipFile(path) as old:
        files = {name: old.read(name) for name in old.namelist()}
    lines = [json.loads(line) for line in files["answers.ndjson"].splitlines()]
    change(lines)
    files["answers.ndjson"] = "".join(json.dumps(line) + "\n" for line in lines).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    return path


def test_a_pack_shows_the_answers(pack):
    report = packs.verify_pack(pack(), log.verifiers(), None)
    assert (report.leaves, report.erased) == (6, 1)
    with zipfile.ZipFile(pack()) as opened:
        assert len(opened.read("answers.ndjson").splitlines()) == 303


@pytest.mark.parametrize(
    ("index", "what", "change"),
    [
        pytest.param(*case, id=f"{case[0]}-{at}")
        for at, case in enumerate(
            [
                (2, "answer 0 does not hash", lambda lines: lines[0]["leaf"].update(kind="x")),
                (2, "answer 1 is missing", lambda lines: lines.pop(1)),
                (2, "answer 1 is missing", lambda lines: lines[1].update(hash="AAAA")),
                (5, "not what was sealed", lambda lines: lines.pop()),
                (5, "answer 0 is missing", lambda lines: lines[3].update(answer=7)),
                (5, "answer 0 is missing", lambda lines: lines.reverse()),
                (4, "are of no batch", lambda lines: lines.insert(3, {**lines[3], "index": 4})),
            ]
        )
    ],
)
def test_what_is_done_to_answers_in_a_pack_is_named(pack, index, what, change):
    path = rewritten(pack(), change)
    with pytest.raises(Broken, match=what) as caught:
        packs.verify_pack(path, log.verifiers(), None)
    assert caught.value.index == index


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[0].pop("hash"),
        lambda lines: lines[0].update(hash=7),
        lambda lines: lines.__setitem__(0, [1]),
        lambda lines: lines[0].update(leaf=float("nan")),
    ],
    ids=["no hash", "a number", "a list", "no number"],
)
def test_answers_that_are_none_are_told(pack, change):
    with pytest.raises((Invalid, Broken)):
        packs.verify_pack(rewritten(pack(), change), log.verifiers(), None)
