"""`consent log`: packs are written and checked, and the store is replayed."""

import sqlite3
from contextlib import closing

import pytest

from tests.support.processes import Command, within


@pytest.fixture
def logged(consent, home, tmp_path):
    """A store whose log has three leaves, sealed by a worker; a pack of them, and the key."""
    for name in ("one", "two", "three"):
        made = consent("clients", "create", name, "--scope", "catalogue:read", "--data-dir", home)
        assert made.exit_code == 0
    worker = Command("worker", "--data-dir", home)
    pack = tmp_path / "pack.zip"
    try:
        within(20, lambda: sealed(home) == 3)
    finally:
        worker.end()
    assert consent("log", "pack", pack, "--data-dir", home).exit_code == 0
    key = tmp_path / "key"
    made = consent("log", "key", "--data-dir", home)
    key.write_text(made.stdout)
    return home, pack, key


def sealed(home):
    with closing(sqlite3.connect(home / "consent.sqlite3")) as store:
        return store.execute("SELECT max(size) FROM ledger_checkpoints").fetchone()[0]


def test_the_store_is_replayed_and_what_was_edited_is_named(consent, logged):
    home, *_ = logged
    whole = consent("log", "verify", "--data-dir", home)
    assert whole.exit_code == 0
    assert "The log is whole: 3 leaves" in whole.stdout
    with closing(sqlite3.connect(home / "consent.sqlite3")) as store, store:
        store.execute("UPDATE ledger_entries SET reason = 'x' WHERE id = (SELECT max(id) FROM "
                      "ledger_entries)")  # fmt: skip
    told = consent("log", "verify", "--data-dir", home)
    assert told.exit_code == 1
    assert "leaf 2: its entry is not what was sealed" in told.stderr


def test_a_pack_is_checked_with_nothing_else_at_hand(consent, logged, tmp_path):
    _, pack, key = logged
    whole = consent("log", "verify", "--file", pack, "--key", key)
    assert (whole.exit_code, whole.stdout) == (0, "The log is whole: 3 leaves, 1 checkpoints.\n")
    other = tmp_path / "other"
    other.write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
    told = consent("log", "verify", "--file", pack, "--key", other)
    assert told.exit_code == 1
    assert told.stderr.startswith("error: This pack is not signed by this key")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--file", "pack.zip"], "--file needs --key"),
        (["--file", "key", "--key", "key"], "no evidence pack"),
        (["--file", "pack.zip", "--key", "pack.zip"], "is not text"),
        (["--file", "pack.zip", "--key", "empty"], "empty: there is no verifier key in it."),
        (["--file", "pack.zip", "--key", "rubbish"], "rubbish: this is no verifier key"),
        (["--key", "empty"], "empty: there is no verifier key in it."),
        (["--file", "pack.zip", "--key", "key", "--since", "key"], "no signed note"),
    ],
)
def test_what_cannot_be_meant_is_told(consent, logged, tmp_path, arguments, told):
    home, pack, key = logged
    named = {"pack.zip": pack, "key": key}
    for name, text in (("empty", "\n"), ("rubbish", "a key\n")):
        named[name] = tmp_path / name
        named[name].write_text(text)
    given = (named.get(one, one) for one in arguments)
    result = consent("log", "verify", *given, "--data-dir", home)
    assert result.exit_code in {1, 2}
    assert told in result.stderr
    assert "broken" not in result.stderr


def test_a_pack_never_replaces_a_file(consent, logged):
    home, pack, _ = logged
    before = pack.read_bytes()
    again = consent("log", "pack", pack, "--data-dir", home)
    assert again.exit_code != 0
    assert pack.read_bytes() == before
