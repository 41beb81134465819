"""What is random of many entries, got at once."""

from consent_service.crypto.envelope import NONCE_LENGTH
from consent_service.ledger.service import chances


def test_each_has_a_salt_a_token_and_a_nonce_that_no_other_has():
    drawn = chances(1_000) + chances(1_000)
    assert {len(each) for each in drawn} == {32 + 16 + NONCE_LENGTH}
    for part in (slice(0, 32), slice(32, 48), slice(48, None)):
        assert len({each[part] for each in drawn}) == len(drawn)
    assert chances(0) == []
