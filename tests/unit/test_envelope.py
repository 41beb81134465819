from uuid import UUID

import pytest
from msgspec.structs import replace

from consent_service.crypto.envelope import (
    NONCE_LENGTH,
    Field,
    SealBroken,
    Sealed,
    SealingKey,
    seal,
    seal_with,
    unseal,
)
from consent_service.crypto.envelope import sealed_under as key_id_of

ANNA, BORIS = UUID(int=1), UUID(int=2)
FIELD = Field("identifier.value", ANNA, UUID(int=10))
KEY = SealingKey.of(b"key1", bytes(range(32)))
PLAIN = b"anna@example.org"


def test_a_sealed_value_opens_under_its_key_for_its_field():
    assert unseal(KEY, FIELD, seal(KEY, FIELD, PLAIN)) == PLAIN


def test_a_sealed_value_hides_the_plain_one_and_names_its_key():
    sealed = seal(KEY, FIELD, PLAIN)
    assert PLAIN not in sealed
    assert key_id_of(sealed) == KEY.id
    assert len(sealed) == 18 + len(PLAIN) + 16


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(FIELD, name="identifier.source"),
        replace(FIELD, customer=BORIS),
        replace(FIELD, row=UUID(int=11)),
    ],
    ids=["another field", "another customer", "another row"],
)
def test_a_moved_value_does_not_open(elsewhere):
    sealed = seal(KEY, FIELD, PLAIN)
    with pytest.raises(SealBroken):
        unseal(KEY, elsewhere, sealed)


def test_customer_and_row_do_not_stand_for_each_other():
    sealed = seal(KEY, Field("f", ANNA, BORIS), PLAIN)
    with pytest.raises(SealBroken):
        unseal(KEY, Field("f", BORIS, ANNA), sealed)


def test_a_key_with_another_id_is_refused_before_it_is_tried():
    other = SealingKey.of(b"key2", bytes(range(32)))
    with pytest.raises(SealBroken, match="another key"):
        unseal(other, FIELD, seal(KEY, FIELD, PLAIN))


def test_another_secret_under_the_same_id_does_not_open():
    impostor = SealingKey.of(KEY.id, bytes(reversed(range(32))))
    with pytest.raises(SealBroken):
        unseal(impostor, FIELD, seal(KEY, FIELD, PLAIN))


def test_no_byte_can_be_changed():
    sealed = seal(KEY, FIELD, PLAIN)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(SealBroken):
            unseal(KEY, FIELD, Sealed(bytes(changed)))


@pytest.mark.parametrize("length", [0, 1, 2, 6, 17, 18, 33])
def test_a_cut_value_does_not_open(length):
    with pytest.raises(SealBroken):
        unseal(KEY, FIELD, Sealed(seal(KEY, FIELD, PLAIN)[:length]))


def test_no_nonce_comes_twice():
    nonces = {seal(KEY, FIELD, b"x")[6:18] for _ in range(100_000)}
    assert len(nonces) == 100_000


@pytest.mark.parametrize(("key_id", "secret"), [(b"key", bytes(32)), (b"key1", bytes(16))])
def test_a_key_of_another_size_is_refused(key_id, secret):
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey.of(key_id, secret)


def test_a_key_does_not_show_itself():
    secret = bytes(range(32))
    shown = repr(SealingKey.of(b"key1", secret))
    assert shown == f"SealingKey(id={b'key1'.hex()}, redacted)"


def test_a_value_sealed_under_a_nonce_out_of_many_opens_like_any_other():
    nonce = bytes(range(NONCE_LENGTH))
    sealed = seal_with(nonce, KEY, FIELD, PLAIN)
    assert nonce in sealed
    assert unseal(KEY, FIELD, sealed) == PLAIN
