import re
import threading

import pytest

from consent_service.app import create_app
from consent_service.cli import key_file
from consent_service.config import Settings
from consent_service.crypto import keyring as keyrings
from consent_service.crypto.keyring import FileProvider, KeyUse, LiveKeyring
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.kernel.clock import utc_now
from consent_service.storage.db import db
from consent_service.web.runtime import keys


def rows_of(status):
    """The rows of `consent keys status`: use, id, newest, data keys."""
    rows = [line.split() for line in status.stdout.splitlines()[1:]]
    return [(use, key_id, newest, count) for use, key_id, _, newest, count in rows]


def test_a_key_file_is_made_for_its_owner_alone(consent, tmp_path, mode_of):
    path = tmp_path / "safe" / "keys.json"
    result = consent("keys", "init", path)
    assert result.exit_code == 0, result.output
    assert mode_of(path) == "0o600"
    assert mode_of(path.parent) == "0o700"
    ring = FileProvider(path).load()
    assert [key.use for key in ring.keys] == list(KeyUse)
    assert not any(key.secret.hex() in result.output for key in ring.keys)


def test_a_key_file_is_never_overwritten(consent, tmp_path):
    path = tmp_path / "keys.json"
    consent("keys", "init", path)
    before = path.read_bytes()
    result = consent("keys", "init", path)
    assert result.exit_code == 1
    assert "stays as it is" in result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize("setting", ["CONSENT_DATA_DIR", "CONSENT_KEY_FILE"])
def test_without_a_name_the_file_is_where_the_settings_say(consent, tmp_path, setting):
    path = tmp_path / "new" / "keys.json"
    where = path.parent if setting == "CONSENT_DATA_DIR" else path
    around = {"CONSENT_DATABASE_URL": "postgresql://127.0.0.1/x", setting: str(where)}
    assert consent("keys", "init", **around).exit_code == 0
    assert path.exists()


def test_a_place_that_cannot_be_written_is_told(consent, tmp_path):
    (tmp_path / "file").touch()
    result = consent("keys", "init", tmp_path / "file" / "keys.json")
    assert result.exit_code != 0
    assert "Traceback" not in result.output


@pytest.mark.parametrize("spoil", ["garbage", "others may read", "gone"])
def test_a_key_file_that_cannot_be_trusted_is_refused(consent, home, spoil):
    path = home / "keys.json"
    if spoil == "garbage":
        path.write_text("canary")
    elif spoil == "gone":
        path.unlink()
    else:
        path.chmod(0o644)
    for command in (("keys", "status"), ("keys", "rotate"), ("clients", "list")):
        result = consent(*command, "--data-dir", home)
        assert result.exit_code == 2
        assert str(path) in result.stderr
        assert "canary" not in result.output


@pytest.mark.parametrize("use", list(KeyUse))
def test_a_new_key_is_the_newest_of_its_use(consent, home, use):
    before = rows_of(consent("keys", "status", "--data-dir", home))
    assert [(row[0], row[2]) for row in before] == [(each.value, "yes") for each in KeyUse]
    result = consent("keys", "rotate", "--use", use, "--data-dir", home)
    assert result.exit_code == 0, result.output
    added = re.search(rf"Added {use} key ([0-9a-f]{{8}})", result.stdout)[1]
    after = rows_of(consent("keys", "status", "--data-dir", home))
    assert len(after) == len(KeyUse) + 1
    assert [row[1] for row in after if row[0] == use and row[2] == "yes"] == [added]
    assert {row[1] for row in before} < {row[1] for row in after}


def test_a_running_process_takes_a_new_key_up_at_once(home):
    live = LiveKeyring(FileProvider(home / "keys.json"))
    before = live.current().newest(KeyUse.MASTER)
    added = key_file.add_key(FileProvider(home / "keys.json"), KeyUse.MASTER, utc_now())
    assert live.current().newest(KeyUse.MASTER) == added != before


def test_rotations_at_once_lose_no_key(home):
    provider = FileProvider(home / "keys.json")
    threads = [
        threading.Thread(target=key_file.add_key, args=(provider, KeyUse.INDEX, utc_now()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(provider.load().of(KeyUse.INDEX)) == 9


@pytest.mark.parametrize("command", ["rotate", "init"])
def test_keys_of_the_environment_are_not_changed_and_the_way_is_shown(
    consent, home, keyring, command
):
    result = consent("keys", command, "--data-dir", home, CONSENT_KEYRING=keyrings.dump(keyring))
    assert result.exit_code == 2
    assert "CONSENT_KEYRING" in result.stderr
    assert "CONSENT_KEY_FILE" in result.stderr


def test_rewrapping_leaves_nothing_on_the_old_keys(consent, home):
    app = create_app(Settings(data_dir=home))
    with app.app_context():
        people = [identifier(IdentifierType.EMAIL, f"p{n}@example.org") for n in range(3)]
        new = [NewCustomer((person,), {}) for person in people]
        made = customers.create_customers(new, utc_now(), keys())
        for use in ("master", "index"):
            consent("keys", "rotate", "--use", use, "--data-dir", home)
        masters = rows_of(consent("keys", "status", "--data-dir", home))[:2]
        assert [(row[2], row[3]) for row in masters] == [("no", "6"), ("yes", "0")]
        result = consent("keys", "rewrap", "--data-dir", home)
        assert result.exit_code == 0, result.output
        assert "data keys: 6 brought under the newest key, 0 left on the old key" in result.stdout
        assert "look-up indexes: 3 brought under the newest key, 0 left" in result.stdout
        masters = rows_of(consent("keys", "status", "--data-dir", home))[:2]
        assert [(row[2], row[3]) for row in masters] == [("no", "0"), ("yes", "6")]
        assert list(customers.find_owners(people, keys()).values()) == made
        assert "data keys: 0 brought" in consent("keys", "rewrap", "--data-dir", home).stdout
        db.engine.dispose()


def test_a_lost_key_is_told_and_nothing_is_found_empty(consent, home):
    app = create_app(Settings(data_dir=home))
    with app.app_context():
        person = identifier(IdentifierType.EMAIL, "p@example.org")
        customers.create_customers([NewCustomer((person,), {})], utc_now(), keys())
        db.engine.dispose()
    (home / "keys.json").unlink()
    consent("keys", "init", "--data-dir", home)
    lost = consent("keys", "status", "--data-dir", home)
    assert re.search(r"MISSING  [0-9a-f]{8}", lost.stdout)
    for command in (("serve",), ("worker",), ("keys", "rewrap")):
        refused = consent(*command, "--data-dir", home)
        assert refused.exit_code == 2
        assert "this store's data was made with" in refused.stderr
