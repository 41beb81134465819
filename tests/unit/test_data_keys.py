from datetime import UTC, datetime
from uuid import UUID

import pytest

from consent_service.crypto import keyring
from consent_service.crypto.data_keys import DataKeyKind, new_wrapped, rewrap, unwrap
from consent_service.crypto.envelope import Field, seal, sealed_under, unseal
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.errors import MisconfiguredError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANNA, BORIS = UUID(int=1), UUID(int=2)
FIELD = Field("identifier.value", ANNA, UUID(int=10))


@pytest.fixture
def ring():
    return keyring.generate(NOW)


def test_an_unwrapped_key_opens_what_the_fresh_one_sealed(ring):
    wrapped, fresh = new_wrapped(ring, DataKeyKind.LIFE, ANNA)
    sealed = seal(fresh, FIELD, b"secret")
    assert unseal(unwrap(ring, DataKeyKind.LIFE, ANNA, wrapped), FIELD, sealed) == b"secret"


def test_every_customer_has_another_key(ring):
    _, annas = new_wrapped(ring, DataKeyKind.LIFE, ANNA)
    wrapped, _ = new_wrapped(ring, DataKeyKind.LIFE, ANNA)
    sealed = seal(annas, FIELD, b"secret")
    with pytest.raises(Exception, match="changed, moved"):
        unseal(unwrap(ring, DataKeyKind.LIFE, ANNA, wrapped), FIELD, sealed)


@pytest.mark.parametrize(
    ("kind", "customer"), [(DataKeyKind.PROOF, ANNA), (DataKeyKind.LIFE, BORIS)]
)
def test_a_wrapped_key_is_good_for_its_customer_and_kind_alone(ring, kind, customer):
    wrapped, _ = new_wrapped(ring, DataKeyKind.LIFE, ANNA)
    with pytest.raises(MisconfiguredError):
        unwrap(ring, kind, customer, wrapped)


def test_rewrapping_changes_the_master_key_and_not_the_data_key(ring):
    wrapped, fresh = new_wrapped(ring, DataKeyKind.PROOF, ANNA)
    sealed = seal(fresh, FIELD, b"secret")
    newer = ring.with_new(KeyUse.MASTER, NOW)
    rewrapped = rewrap(newer, DataKeyKind.PROOF, ANNA, wrapped)
    assert sealed_under(rewrapped) == newer.newest(KeyUse.MASTER).id
    alone = newer.without(ring.newest(KeyUse.MASTER).id)
    assert unseal(unwrap(alone, DataKeyKind.PROOF, ANNA, rewrapped), FIELD, sealed) == b"secret"


def test_a_missing_master_key_is_named(ring):
    wrapped, _ = new_wrapped(ring, DataKeyKind.LIFE, ANNA)
    gone = ring.newest(KeyUse.MASTER).id
    rest = ring.with_new(KeyUse.MASTER, NOW).without(gone)
    with pytest.raises(MisconfiguredError, match=gone.hex()):
        unwrap(rest, DataKeyKind.LIFE, ANNA, wrapped)
