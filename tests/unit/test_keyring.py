import base64
import json
import os
import stat
from datetime import UTC, datetime

import pytest

from consent_service.crypto import keyring
from consent_service.crypto.envelope import KEY_LENGTH
from consent_service.crypto.keyring import FileProvider, Keyring, KeyUse, LiveKeyring, TextProvider
from consent_service.kernel.errors import MisconfiguredError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def ring():
    return keyring.generate(NOW)


def document(ring):
    return json.loads(keyring.dump(ring))


def secrets_in(ring):
    for key in ring.keys:
        yield base64.b64encode(key.secret).decode()
        yield key.secret.hex()
        yield repr(key.secret)


def test_a_dumped_ring_is_read_back(ring):
    assert keyring.parse(keyring.dump(ring), "here").keys == ring.keys


def test_a_fresh_ring_has_a_random_key_for_each_use(ring):
    assert {key.use for key in ring.keys} == set(KeyUse)
    assert len({key.secret for key in ring.keys}) == len(KeyUse)
    assert {len(key.secret) for key in ring.keys} == {KEY_LENGTH}


def test_a_saved_file_is_the_owners_alone(tmp_path, ring):
    path = tmp_path / "keys.json"
    FileProvider(path).save(ring)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileProvider(path).load().keys == ring.keys
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_can_reach_is_refused(tmp_path, ring, mode):
    path = tmp_path / "keys.json"
    FileProvider(path).save(ring)
    path.chmod(mode)
    with pytest.raises(MisconfiguredError, match="chmod 600"):
        FileProvider(path).load()


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(MisconfiguredError, match="consent keys init"):
        FileProvider(tmp_path / "absent.json").load()


def test_a_directory_or_another_encoding_is_no_keyring(tmp_path):
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        FileProvider(tmp_path).load()
    path = tmp_path / "keys.json"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        FileProvider(path).load()


@pytest.mark.parametrize(
    "weak",
    [bytes(32), b"a" * 32, b"secret" * 5 + b"se", b"0123456" * 4 + b"0123"],
    ids=["zeros", "one letter", "a word repeated", "seven values"],
)
def test_a_weak_key_is_refused(ring, weak):
    wrong = document(ring)
    wrong["keys"][0]["secret"] = base64.b64encode(weak).decode()
    with pytest.raises(MisconfiguredError, match="no random key"):
        keyring.parse(json.dumps(wrong), "here")


def _without_format(wrong):
    del wrong["format"]


def _another_format(wrong):
    wrong["format"] = 2


def _short_secret(wrong):
    wrong["keys"][0]["secret"] = wrong["keys"][0]["secret"][:20]


def _not_base64(wrong):
    wrong["keys"][0]["secret"] = "!" + wrong["keys"][0]["secret"]


def _no_secret(wrong):
    wrong["keys"][0]["secret"] = None


def _another_use(wrong):
    wrong["keys"][0]["use"] = wrong["keys"][0]["secret"]


def _another_id(wrong):
    wrong["keys"][0]["id"] = wrong["keys"][0]["secret"]


def _keys_as_text(wrong):
    wrong["keys"] = wrong["keys"][0]["secret"]


def _twice_the_same(wrong):
    wrong["keys"].append(wrong["keys"][0])


def _no_index_key(wrong):
    wrong["keys"] = [key for key in wrong["keys"] if key["use"] != "index"]


@pytest.mark.parametrize(
    "spoil",
    [
        _without_format,
        _another_format,
        _short_secret,
        _not_base64,
        _no_secret,
        _another_use,
        _another_id,
        _keys_as_text,
        _twice_the_same,
        _no_index_key,
    ],
)
def test_a_faulty_keyring_is_refused_without_showing_a_secret(ring, spoil):
    wrong = document(ring)
    spoil(wrong)
    with pytest.raises(MisconfiguredError) as raised:
        keyring.parse(json.dumps(wrong), "the keyring")
    assert not [secret for secret in secrets_in(ring) if secret in str(raised.value)]
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"'])
def test_what_is_no_keyring_at_all_is_refused(text):
    with pytest.raises(MisconfiguredError, match="the keyring"):
        keyring.parse(text, "the keyring")


def test_reprs_show_no_secret(ring):
    shown = repr(ring.keys) + repr(ring) + repr(TextProvider(keyring.dump(ring), "CONSENT_KEYRING"))
    assert not [secret for secret in secrets_in(ring) if secret in shown]


def test_the_newest_key_seals_and_all_of_them_open(ring):
    newer = ring.with_new(KeyUse.MASTER, NOW)
    first, second = newer.of(KeyUse.MASTER)
    assert first == ring.newest(KeyUse.MASTER)
    assert newer.master.id == second.id != first.id
    assert newer.master_by_id(first.id).id == first.id
    assert newer.newest(KeyUse.INDEX) == ring.newest(KeyUse.INDEX)


def test_the_last_key_of_a_use_cannot_go(ring):
    with pytest.raises(MisconfiguredError, match="no master key"):
        ring.without(ring.newest(KeyUse.MASTER).id)


def test_a_replaced_file_is_read_before_the_next_use(tmp_path, ring):
    provider = FileProvider(tmp_path / "keys.json")
    provider.save(ring)
    live = LiveKeyring(provider)
    assert live.current().keys == ring.keys
    newer = ring.with_new(KeyUse.MASTER, NOW)
    provider.save(newer)
    assert live.current().keys == newer.keys


def test_an_unchanged_file_is_not_read_again(tmp_path, ring):
    provider = FileProvider(tmp_path / "keys.json")
    provider.save(ring)
    live = LiveKeyring(provider)
    assert live.current() is live.current()


def test_a_forked_process_begins_with_the_file_as_it_is(tmp_path, ring):
    provider = FileProvider(tmp_path / "keys.json")
    provider.save(ring)
    live = LiveKeyring(provider)
    provider.path.unlink()
    assert live.current().keys == ring.keys
    with pytest.raises(MisconfiguredError, match="no key file"):
        live.load()
    newer = ring.with_new(KeyUse.MASTER, NOW)
    provider.save(newer)
    live.load()
    assert live.current().keys == newer.keys


def test_a_ring_that_went_bad_is_refused_until_it_is_mended(tmp_path, ring):
    provider = FileProvider(tmp_path / "keys.json")
    provider.save(ring)
    live = LiveKeyring(provider)
    provider.path.write_text("{}", encoding="ascii")
    os.utime(provider.path, ns=(1, 1))
    for _ in range(2):
        with pytest.raises(MisconfiguredError):
            live.current()
    provider.save(ring)
    assert live.current().keys == ring.keys


def test_a_ring_needs_every_use():
    with pytest.raises(MisconfiguredError, match="no master key"):
        Keyring(())
