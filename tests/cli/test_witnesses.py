"""`consent witnesses`: from adding one to its co-signature in the log, and a fork that is named."""

import sqlite3
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.ledger import notes
from tests.support import witness
from tests.support.processes import Command, within


@pytest.fixture
def server():
    with witness.running() as running:
        yield running


@pytest.fixture
def worker(home):
    command = Command("worker", "--data-dir", home)
    yield command
    command.end()


def rows(home, query):
    with closing(sqlite3.connect(home / "consent.sqlite3")) as store, store:
        return store.execute(query).fetchall()


@pytest.mark.long
def test_the_worker_sends_and_keeps_what_comes_back(consent, home, worker, server, tmp_path):
    def run(*words, exit_code=0):
        result = consent("witnesses", *words, "--data-dir", home)
        assert result.exit_code == exit_code, result.output
        return result

    kept = tmp_path / "kept"
    kept.mkdir()
    run("add", "w1", "webhook", server.url, "--key", server.vkey, "--private")
    run("add", "disk", "file", kept)
    within(30, lambda: rows(home, "SELECT * FROM ledger_cosignatures"))
    within(30, lambda: list(kept.glob("checkpoint-?")))
    run("add", "down", "webhook", "http://127.0.0.1:9", "--private")
    within(30, lambda: "it does not answer" in sent_to(home, "down") + run("list").stdout)
    listed = run("list").stdout
    assert "every 60 min" in listed
    assert server.url in listed
    assert "failed: it does not answer" in listed
    whole = consent("log", "verify", "--data-dir", home)
    assert "1 confirmations of witnesses" in whole.stdout
    run("disable", "down")
    assert "down                 webhook  disabled" in run("list").stdout
    run("disable", "down", exit_code=1)
    run("send", "nobody", exit_code=1)


def sent_to(home, name):
    """What is said of sending now, in a process of its own: loggers remember how they first
    spoke."""
    said, _ = Command("witnesses", "send", name, "--data-dir", home).main.communicate(timeout=30)
    return said.decode()


@pytest.fixture
def sealed(consent, home):
    """A log of two leaves with a witness of which nobody hears; the witness's key."""
    key = Ed25519PrivateKey.generate()
    vkey = str(witness.cosigner(key))
    for name, more in (("w1", ["--key", vkey]), ("w2", [])):
        added = ("witnesses", "add", name, "email", "k@example.org")
        assert consent(*added, *more, "--data-dir", home).exit_code == 0
    worker = Command("worker", "--data-dir", home)
    try:
        within(20, lambda: rows(home, "SELECT size FROM ledger_checkpoints WHERE size = 2"))
    finally:
        worker.end()
    return key


def test_a_checkpoint_that_a_witness_kept_is_held_against_the_log(consent, home, sealed, tmp_path):
    ((note,),) = rows(home, "SELECT note FROM ledger_checkpoints WHERE size = 2")
    file = tmp_path / "kept"
    text, _ = notes.split_note(note)
    file.write_text(note + witness.cosign(text, sealed))
    verify = ("log", "verify", "--data-dir", home, "--witnessed", file)
    whole = consent(*verify)
    assert (whole.exit_code, whole.stdout.splitlines()[1]) == (
        0,
        f"It is the log that {file} is of.",
    )
    taken = consent("witnesses", "record", "w1", file, "--data-dir", home)
    assert "w1 co-signed 2 leaves at " in taken.stdout
    assert consent("witnesses", "record", "w2", file, "--data-dir", home).exit_code == 1
    assert consent("witnesses", "record", "w3", file, "--data-dir", home).exit_code == 1
    pack, key = tmp_path / "pack.zip", tmp_path / "key"
    assert consent("log", "pack", pack, "--data-dir", home).exit_code == 0
    key.write_text(consent("log", "key", "--data-dir", home).stdout)
    offline = ("log", "verify", "--file", pack, "--key", key, "--witnessed", file)
    assert consent(*offline).exit_code == 0
    rows(home, "DELETE FROM ledger_checkpoints WHERE size = 2")
    rows(home, "DELETE FROM ledger_cosignatures")
    rows(home, "DELETE FROM ledger_leaves WHERE leaf_index = 1")
    rows(home, "UPDATE ledger_head SET size = 1")
    told = consent(*verify)
    assert told.exit_code == 1
    assert "leaf 1: missing" in told.stderr
    again = consent("witnesses", "record", "w1", file, "--data-dir", home)
    assert "FORK: we signed this checkpoint of 2 leaves" in again.stderr
