import hashlib
from datetime import UTC, datetime

import pytest

from consent_service.crypto import blind_index, keyring
from consent_service.crypto.keyring import KeyUse

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INNER = blind_index.sha256_of("anna@example.org")


@pytest.fixture
def ring():
    return keyring.generate(NOW)


def test_the_inner_hash_is_what_ad_platforms_send():
    assert hashlib.sha256(b"anna@example.org").digest() == INNER


def test_the_same_value_has_the_same_index(ring):
    assert blind_index.index(ring, "email", INNER) == blind_index.index(ring, "email", INNER)
    assert len(blind_index.index(ring, "email", INNER).digest) == 32


def test_another_type_value_or_ring_has_another_index(ring):
    made = {
        blind_index.index(ring, "email", INNER).digest,
        blind_index.index(ring, "phone", INNER).digest,
        blind_index.index(ring, "email", blind_index.sha256_of("boris@example.org")).digest,
        blind_index.index(keyring.generate(NOW), "email", INNER).digest,
        INNER,
    }
    assert len(made) == 5


def test_a_look_up_probes_every_key_version_newest_first(ring):
    before = blind_index.index(ring, "email", INNER)
    newer = ring.with_new(KeyUse.INDEX, NOW)
    after = blind_index.index(newer, "email", INNER)
    assert after.key_id == newer.newest(KeyUse.INDEX).id
    assert blind_index.probes(newer, "email", INNER) == (after, before)


def test_a_keyed_digest_is_no_index(ring):
    digest = blind_index.keyed_digest(ring, "email", INNER)
    assert digest != blind_index.index(ring, "email", INNER).digest
    assert digest != blind_index.keyed_digest(keyring.generate(NOW), "email", INNER)


def test_the_indexes_of_many_are_those_of_each_under_every_version(ring):
    both = keyring.Keyring([*ring.keys, *keyring.generate(NOW).of(KeyUse.INDEX)])
    inners = [blind_index.sha256_of(f"p{n}@example.org") for n in range(3)]
    newest, oldest = blind_index.probes_of_all(both, "email", b"".join(inners))
    made = [blind_index.probes(both, "email", inner) for inner in inners]
    assert newest == b"".join(first.digest for first, _ in made)
    assert oldest == b"".join(last.digest for _, last in made)
