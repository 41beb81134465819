"""Whatever is done to the store behind the service's back is named, by the first bad leaf."""

import json
import threading
from datetime import timedelta

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent_service.kernel.clock import utc_now
from consent_service.ledger import notes, tree_store
from consent_service.ledger.leaves import Leaf, encode_leaf, leaf_of
from consent_service.ledger.merkle import leaf_hash
from consent_service.ledger.notes import Checkpoint
from consent_service.ledger.verify import Broken
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import log


@pytest.fixture(autouse=True)
def sealed(app):
    """A log of 700 leaves under three checkpoints; the ids of its entries."""
    with app.app_context():
        ids = []
        for count in (300, 250, 150):
            ids += sorted(log.append(count, purpose="marketing.newsletter", outcome="permit"))
            assert log.seal() == count
        yield ids


def change(statement, *values):
    with unit_of_work() as tx:
        marked = statement if tx.dialect.name == "sqlite" else statement.replace("?", "%s")
        assert tx.exec_driver_sql(marked, values).rowcount


def key_of(entry_id):
    """An id as the driver wants it."""
    with reading() as tx:
        return entry_id.hex if tx.dialect.name == "sqlite" else entry_id


def broken(*outside, **more):
    with pytest.raises(Broken) as caught:
        log.verify(*outside, **more)
    assert str(caught.value).startswith(f"leaf {caught.value.index}: ")
    return caught.value.index


def test_a_log_that_nobody_touched_is_whole():
    report = log.verify()
    assert (report.leaves, report.checkpoints, report.erased) == (700, 3, 0)


def test_a_log_that_grows_meanwhile_is_whole(app):
    ended, sealed_more = threading.Event(), []

    def grow():
        with app.app_context():
            while not ended.is_set():
                log.append(100)
                sealed_more.append(log.seal())

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        for _ in range(6):
            assert log.verify().leaves >= 700
    finally:
        ended.set()
        growing.join()
    assert len(sealed_more) > 2
    assert log.verify().leaves == 700 + sum(sealed_more)


@pytest.mark.parametrize(
    "change_to",
    ["outcome = 'deny'", "purpose = 'other'", "reason = 'x'", "client_id = 'other'",
     "kind = 'consent'", "recipient = 'other'", "touchpoint = 'web'", "channel = 'sms'",
     "data_categories = 'name'", "catalogue_version = 7"],
)  # fmt: skip
def test_an_entry_that_is_edited_is_named(sealed, change_to):
    change(f"UPDATE ledger_entries SET {change_to} WHERE id = ?", key_of(sealed[421]))  # noqa: S608  # our own text
    change("UPDATE ledger_entries SET reason = 'y' WHERE id = ?", key_of(sealed[600]))
    assert broken() == 421


@pytest.mark.parametrize("index", [0, 255, 256, 699])
def test_an_entry_that_is_deleted_is_named(sealed, index):
    change("DELETE FROM ledger_entries WHERE id = ?", key_of(sealed[index]))
    assert broken() == index


def test_entries_that_change_places_are_named(sealed):
    first, second = key_of(sealed[10]), key_of(sealed[20])
    change("UPDATE ledger_leaves SET entry_id = NULL WHERE leaf_index = 10")
    change("UPDATE ledger_leaves SET entry_id = ? WHERE leaf_index = 20", first)
    change("UPDATE ledger_leaves SET entry_id = ? WHERE leaf_index = 10", second)
    assert broken() == 10


@pytest.mark.parametrize("index", [0, 300, 555])
def test_a_leaf_that_is_edited_is_named(index):
    change("UPDATE ledger_leaves SET leaf = ? WHERE leaf_index = ?", b"{}", index)
    assert broken() == index


def test_a_leaf_that_is_deleted_is_named():
    change("DELETE FROM ledger_leaves WHERE leaf_index = 12")
    assert broken() == 12


def test_a_log_that_is_cut_off_is_named():
    change("DELETE FROM ledger_leaves WHERE leaf_index >= 640")
    assert broken() == 640
    change("UPDATE ledger_head SET size = 640")
    assert broken() == 640


def test_entry_leaf_and_tile_changed_together_are_named_by_what_is_vouched_for(sealed):
    change("UPDATE ledger_entries SET outcome = 'deny' WHERE id = ?", key_of(sealed[421]))
    with unit_of_work() as tx, direct() as door:
        (row,) = tree_store.find_sayable(tx, [sealed[421]]).values()
        leaf = leaf_of(row)
        tile = bytearray(tree_store.find_tile(tx, 0, 1))
        tile[(421 - 256) * 32 : (422 - 256) * 32] = leaf_hash(leaf)
        tree_store.put_tile(door, 0, 1, b"x", bytes(tile))
    change("UPDATE ledger_leaves SET leaf = ? WHERE leaf_index = 421", leaf)
    assert broken() == 300  # the last checkpoint that held is of 300


def test_an_upper_tile_that_is_edited_is_named():
    with unit_of_work() as tx, direct() as door:
        tile = bytearray(tree_store.find_tile(tx, 1, 0))
        tile[40] ^= 1
        tree_store.put_tile(door, 1, 0, b"x", bytes(tile))
    assert broken() == 256


def test_checkpoints_that_are_changed_are_named():
    change("UPDATE ledger_checkpoints SET root = ? WHERE size = 550", bytes(32))
    assert broken() == 300


def test_a_checkpoint_that_somebody_else_signed_is_named():
    text = str(Checkpoint(log.ORIGIN, 300, bytes(32)))
    note = notes.sign(text, log.ORIGIN, [Ed25519PrivateKey.generate()])
    change("UPDATE ledger_checkpoints SET root = ?, note = ? WHERE size = 300", bytes(32), note)
    assert broken() == 0


def test_a_store_that_was_put_back_is_named_by_a_checkpoint_kept_elsewhere(sealed):
    kept = log.newest()
    change("DELETE FROM ledger_checkpoints WHERE size > 550")
    change("DELETE FROM ledger_leaves WHERE leaf_index >= 550")
    with unit_of_work() as tx, direct() as door:
        cut = tree_store.find_tile(tx, 0, 2)[: (550 - 512) * 32]
        tree_store.put_tile(door, 0, 2, b"x", cut)
    change("UPDATE ledger_head SET size = 550")
    for entry_id in sealed[550:]:
        change("DELETE FROM ledger_entries WHERE id = ?", key_of(entry_id))
    assert log.verify().leaves == 550
    assert broken(kept) == 550


def test_a_fork_is_named_by_a_checkpoint_kept_elsewhere():
    other = Checkpoint(log.ORIGIN, 610, bytes(32))
    assert broken(other) == 550
    assert broken(Checkpoint(log.ORIGIN, 300, bytes(32))) == 0


def test_an_entry_that_was_never_sealed_is_named():
    log.append()
    assert log.verify().leaves == 700
    assert broken(after=timedelta(minutes=6)) == 700


def test_a_leaf_is_the_json_of_rfc_8785(sealed):
    with reading() as tx:
        (_, _, leaf), *_ = tree_store.list_leaves(tx, 0, 1)
    assert leaf == rfc8785.dumps(json.loads(leaf))
    assert set(json.loads(leaf)) == {
        "kind", "known", "outcome", "purpose", "time", "token", "version",
    }  # fmt: skip


_texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]))


@given(_texts, _texts, st.none() | st.integers(0, 2**53 - 1), st.lists(st.text("abc_")))
def test_any_leaf_is_the_json_of_rfc_8785(purpose, reason, version, categories):
    leaf = Leaf(
        kind="decision", known=True, time=str(utc_now()), token=b"", version=1,
        purpose=purpose, reason=reason, catalogue_version=version,
        data_categories=tuple(categories),
    )  # fmt: skip
    encoded = encode_leaf(leaf)
    assert encoded == rfc8785.dumps(json.loads(encoded))
