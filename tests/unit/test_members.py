"""Who was in an audience, packed."""

import os
import random
from array import array
from itertools import chain, repeat

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from consent_service.decisions.model import Reason
from consent_service.screenings import members

KEY = bytes(range(32))


def people(count):
    return [count.to_bytes(4) + os.urandom(12) for count in range(count)]


def packed(secrets, reasons):
    found = chain.from_iterable(map(members.answered, repeat(KEY), secrets, reasons))
    return dict(members.pack(array("Q", found))[1])


@pytest.mark.parametrize("count", [1, 2, 1_024, 1_025, 5_000])
def test_every_member_is_found_with_their_answer_and_nobody_else_is(count):
    secrets = people(count)
    reasons = [members.REASONS[at % len(members.REASONS)] for at in range(count)]
    shards, bits = packed(secrets, reasons), members.shard_bits(count)
    for secret, reason in zip(secrets, reasons, strict=True):
        (tag,) = members.tags(KEY, [secret])
        assert members.find(tag, bits, shards[members.shard_of(tag, bits)]) is reason
    for tag in members.tags(KEY, people(200)):
        assert members.find(tag, bits, shards.get(members.shard_of(tag, bits), b"")) is None


@pytest.mark.parametrize("said", [1, 2, 8, 9, len(members.REASONS)])
def test_many_are_packed_as_one_by_one(said):
    """The layout written a second time: it is for ever."""
    secrets, some = people(3_000), random.sample(members.REASONS, said)
    reasons = [some[at % said] for at in range(3_000)]
    bits, found = members.shard_bits(3_000), {}
    for tag, reason in sorted(zip(members.tags(KEY, secrets), reasons, strict=True)):
        kept = (tag << bits) % 2**64 >> 13
        record = (kept << 5 | members.REASONS.index(reason)).to_bytes(7)
        found[tag >> 64 - bits] = found.get(tag >> 64 - bits, b"") + record
    assert packed(secrets, reasons) == found


def test_those_of_whom_the_same_was_said_are_answered_together():
    secrets = people(20)
    reason = Reason.REFUSED
    assert list(members.answered(KEY, b"".join(secrets), reason)) == [
        tag >> 5 << 5 | members.REASONS.index(reason) for tag in members.tags(KEY, secrets)
    ]


def test_of_somebody_who_was_answered_twice_the_last_counts():
    one = people(1)
    (shard,) = packed(one * 2, [Reason.REFUSED, Reason.CONSENT_GIVEN]).values()
    assert members.find(members.tags(KEY, one)[0], 0, shard) is Reason.CONSENT_GIVEN
    assert len(shard) == 7


def test_seven_bytes_a_member_in_shards_of_about_a_thousand():
    shards = packed(people(5_000), [Reason.CONSENT_GIVEN] * 5_000)
    assert sum(map(len, shards.values())) == 7 * 5_000
    assert len(shards) == 8


def test_a_tag_is_the_first_half_of_the_block_that_comes_of_a_secret():
    secret = os.urandom(16)
    block = Cipher(AES(KEY), ECB()).encryptor().update(secret)  # noqa: S305  # one block
    first = bytes(a ^ b for a, b in zip(block, secret, strict=True))[:8]
    assert members.tags(KEY, [os.urandom(16), secret])[1] == int.from_bytes(first)


def test_under_another_key_the_same_people_look_like_others():
    secrets = people(50)
    assert not set(members.tags(KEY, secrets)) & set(members.tags(KEY[::-1], secrets))


def test_every_answer_has_a_code_that_stays():
    assert set(members.REASONS) == set(Reason)
    assert len(members.REASONS) == len(set(members.REASONS)) <= 32
    assert members.REASONS[5] is Reason.SUPPRESSED
    assert members.REASONS[19] is Reason.GPC


def test_nobody_at_all():
    assert packed([], []) == {}
    assert members.tags(KEY, []) == ()
