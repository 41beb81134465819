"""`consent backup` and `consent restore`, as operators use them."""

import re
import shutil

import pytest

from consent_service.cli.context import running_app
from consent_service.config import load_settings
from consent_service.customers import service as customers
from consent_service.customers.model import NewCustomer
from consent_service.ledger.sealer import Sealer
from consent_service.web.runtime import keys, now
from tests.conftest import SAMPLE


@pytest.fixture
def new_home(home, tmp_path):
    """Another data directory, with the keys of the first, and no store."""
    path = tmp_path / "new"
    path.mkdir()
    shutil.copy(home / "keys.json", path)
    return path


@pytest.fixture
def say(consent):
    def act(where, *words, exit_code=0, **environment):
        result = consent(*words, "--data-dir", where, **environment)
        assert result.exit_code == exit_code, result.output
        return result.output

    return act


def grow(home):
    with running_app(load_settings(data_dir=home)):
        customers.create_customer(NewCustomer((), {}), now(), keys())
        Sealer("http://127.0.0.1:8000").run(keys(), now())


def test_there_and_back(home, new_home, say, tmp_path):
    say(home, "catalogue", "load", SAMPLE)
    say(home, "clients", "create", "reader", "--scope", "catalogue:read")
    grow(home)
    directory, elsewhere = tmp_path / "backup", tmp_path / "keys.txt"
    assert "rows" in say(home, "backup", directory)
    assert "is there already" in say(home, "backup", directory, exit_code=1)
    (directory / "keys.txt").rename(elsewhere)
    assert "0 ids" in say(home, "backup", "erased", tmp_path / "erased.txt")
    assert "0 keys taken out" in say(home, "backup", "prune-keys", elsewhere)
    say(new_home, "restore", directory, exit_code=1)
    grow(home)
    checkpoint = tmp_path / "checkpoint"
    with running_app(load_settings(data_dir=home)) as app:
        checkpoint.write_text(app.test_client().get("/v1/log/checkpoint").get_data(as_text=True))
    said = say(
        new_home, "restore", "load", directory, "--keys", elsewhere, "--since", checkpoint
    )  # fmt: skip
    assert re.search(r"The log had \d+ leaves once: at least \d+ are lost", said)
    assert "OPEN" in say(new_home, "restore", "status")
    assert "not replayed" in say(new_home, "clients", "list", exit_code=1)
    assert "--nothing-to-replay" in say(new_home, "restore", "finish", exit_code=1)
    erased = ("--erased", tmp_path / "erased.txt")
    said = say(new_home, "restore", "finish", "--nothing-to-replay", *erased)
    assert "answers again" in said
    assert "every client and all staff are disabled" in said
    assert "disabled" in say(new_home, "clients", "list")
    assert "reader is enabled" in say(new_home, "clients", "enable", "reader")
    assert "active" in say(new_home, "clients", "list")
    assert "finished" in say(new_home, "restore", "status")
    say(new_home, "clients", "list")
    assert "The log is whole" in say(new_home, "log", "verify")
    say(new_home, "restore", "finish", exit_code=1)


def test_a_store_that_other_tools_put_back(home, say):
    say(home, "restore", "begin", "--as-of", "2026-11-22T10:00:00Z")
    say(home, "clients", "list", exit_code=1)
    say(home, "restore", "finish", "--nothing-to-replay")
    say(home, "restore", "begin", "--as-of", "yesterday", exit_code=1)
