"""Who was in an audience, in seven bytes each: a person finds themself, and nobody finds a person.

A member's tag is 64 bits of AES-256(key of the screening, secret) XOR secret: a one-way function of
a random secret that only the customer's row has. It differs from screening to screening, so that
members of two cannot be told to be the same; and once the row is gone nobody can compute it.
Source: Matyas, Meyer, Oseas (1985), with the key fixed for a screening.

Members are kept in parts of up to 262,144, as they come, and a part in shards of about a
thousand, by the first bits of the tag. In its shard a member is 56 bits: the 51 bits of the tag
after those, and 5 that say what was answered. Somebody who was not in an audience of a million
is taken for a member once in 5 × 10^11 times.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from struct import pack as pack_numbers
from struct import unpack

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from consent_service.decisions.model import Reason
from consent_service.kernel.ids import last_of_each
from consent_service.ledger.merkle import leaf_hash

KEY_BYTES = 32
PART = 1 << 18
WIDTH = 7
_PER_SHARD_BITS = 10
_REASON_BITS = 5
_CODE = (1 << _REASON_BITS) - 1
_TAG_BITS = 64
_BLOCK = 16
_LANE = 8
_TAG = (1 << _TAG_BITS) - 1
_AT_ONCE = 1 << 15  # for memory's sake
_TOLD_APART = 8
_LOWEST = 0 if sys.byteorder == "little" else _LANE - 1
_KEPT_BITS = WIDTH * 8 - _REASON_BITS

# What stands for which answer. For ever: add at the end, change nothing.
REASONS = (
    Reason.UNKNOWN_PURPOSE,
    Reason.RECIPIENT_NOT_ALLOWED,
    Reason.CATEGORY_NOT_ALLOWED,
    Reason.CHANNEL_NOT_ALLOWED,
    Reason.CHANNEL_REQUIRED,
    Reason.SUPPRESSED,
    Reason.NO_RECORD,
    Reason.RESTRICTED,
    Reason.GUARDIAN_REQUIRED,
    Reason.LEGAL_BASIS,
    Reason.CONSENT_GIVEN,
    Reason.NOT_OPTED_OUT,
    Reason.REQUESTED,
    Reason.REFUSED,
    Reason.WITHDRAWN,
    Reason.OBJECTED,
    Reason.REVOKED,
    Reason.EXPIRED,
    Reason.NOTICE_OUTDATED,
    Reason.GPC,
)
_CODES = {reason: code for code, reason in enumerate(REASONS)}


def tags(key: bytes, secrets: Sequence[bytes]) -> tuple[int, ...]:
    """The tags of people with these secrets (16 bytes each), as 64-bit numbers."""
    plain = b"".join(secrets)
    cipher = Cipher(AES(key), ECB())  # noqa: S305  # a keyed function of single, random blocks
    hashed = cipher.encryptor().update(plain)
    mixed = int.from_bytes(hashed) ^ int.from_bytes(plain)
    return unpack(f">{'Q8x' * len(secrets)}", mixed.to_bytes(len(plain)))


def answered(key: bytes, secrets: bytes, reason: Reason) -> "array[int]":
    """The tags of people with these secrets, one after another, with what was answered about them
    in place of their last 5 bits, which are not kept. All are one number, in lanes of a block."""
    many = len(secrets) // _BLOCK
    cipher = Cipher(AES(key), ECB())  # noqa: S305  # as above
    mixed = int.from_bytes(cipher.encryptor().update(secrets)) ^ int.from_bytes(secrets)
    mixed &= int.from_bytes((~_CODE & _TAG).to_bytes(8).ljust(_BLOCK, b"\0") * many)
    mixed |= int.from_bytes(_CODES[reason].to_bytes(8).ljust(_BLOCK, b"\0") * many)
    return _swapped(array("Q", mixed.to_bytes(len(secrets)))[::2])


def _swapped(numbers: "array[int]") -> "array[int]":
    """From the order of bytes in which we write them to the machine's, or back."""
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def shard_bits(members: int) -> int:
    """How many of a tag's first bits say the shard, in a part of so many members."""
    return max(0, (members - 1).bit_length() - _PER_SHARD_BITS)


def pack(numbers: "array[int]") -> tuple[int, list[tuple[int, bytes]]]:
    """The shards of a part with any member, each with its number, and how many bits say which;
    `numbers` are what `answered` gives. Of what was said of one twice, the last counts."""
    members = _in_order(numbers)
    if any(_has_twice(members[at : at + _AT_ONCE + 1]) for at in range(0, len(members), _AT_ONCE)):
        last = {number >> _REASON_BITS: number for number in numbers}
        members = array("Q", sorted(last.values()))
    bits, blocks = shard_bits(len(members)), range(0, len(members), _AT_ONCE)
    records = b"".join([_records(members[at : at + _AT_ONCE], bits) for at in blocks])
    ends = [bisect_left(members, end << _TAG_BITS - bits) for end in range(1, 1 << bits)]
    edges = pairwise([0, *ends, len(members)])
    return bits, [
        (shard, records[lo * WIDTH : hi * WIDTH]) for shard, (lo, hi) in enumerate(edges) if lo < hi
    ]


def _in_order(numbers: "array[int]") -> "array[int]":
    """As `sorted`, in two thirds of the time: floats are compared faster, and those whose first two
    bits are 0 are in the order of their bits. They have room for what tells 8 answers apart."""
    said = bytearray(numbers.tobytes())
    codes = sorted({low & _CODE for low in set(said[_LOWEST::_LANE])})
    if len(codes) > _TOLD_APART:
        return array("Q", sorted(numbers))
    pairs = [
        (rest | code, rest | at << 2)
        for rest in range(0, 256, _CODE + 1)
        for at, code in enumerate(codes)
    ]
    given, placed = bytes(pair[0] for pair in pairs), bytes(pair[1] for pair in pairs)
    said[_LOWEST::_LANE] = said[_LOWEST::_LANE].translate(bytes.maketrans(given, placed))
    floats = sorted(array("d", _moved(said, right=2)))
    for at in range(0, len(floats), _AT_ONCE):
        some = floats[at : at + _AT_ONCE]
        moved = _moved(pack_numbers(f"={len(some)}d", *some), left=2)
        said[at * _LANE : at * _LANE + len(moved)] = moved
    said[_LOWEST::_LANE] = said[_LOWEST::_LANE].translate(bytes.maketrans(placed, given))
    found = array("Q")
    found.frombytes(said)
    return found


def _moved(lanes: bytes | bytearray, left: int = 0, right: int = 0) -> bytes:
    """The bits of all lanes moved, of which no lane loses any."""
    whole = int.from_bytes(lanes, sys.byteorder) << left >> right
    return whole.to_bytes(len(lanes), sys.byteorder)


def _records(members: "array[int]", bits: int) -> bytes:
    """What is kept of members, all at once."""
    lanes, many = _as_one(members), len(members)
    after = lanes & _in_each((1 << _TAG_BITS - bits) - 1, many)  # as `_kept` has it, of all
    kept = after << bits >> _TAG_BITS - _KEPT_BITS & _in_each((1 << _KEPT_BITS) - 1, many)
    whole = kept << _REASON_BITS | lanes & _in_each(_CODE, many)
    return last_of_each(whole.to_bytes(_LANE * many), _LANE, WIDTH)


def _has_twice(members: "array[int]") -> bool:
    """Whether something was said twice of one of them, who are in order."""
    lanes = _as_one(members)
    differences = array("Q", (lanes ^ lanes >> _TAG_BITS).to_bytes(_LANE * len(members)))
    return min(_swapped(differences)[1:], default=_CODE + 1) <= _CODE


def _as_one(members: "array[int]") -> int:
    """One number, the first in front."""
    return int.from_bytes(_swapped(members[:]).tobytes())


def _in_each(number: int, many: int) -> int:
    """So many times one number, in as many lanes."""
    return int.from_bytes(number.to_bytes(_LANE) * many)


def shard_of(tag: int, bits: int) -> int:
    """The shard that a tag belongs to."""
    return tag >> _TAG_BITS - bits


def find(tag: int, bits: int, shard: bytes) -> Reason | None:
    """What was answered about the member of that tag; None when it is none."""
    wanted, many = _kept(tag, bits), len(shard) // WIDTH
    at = bisect_left(range(many), wanted << _REASON_BITS, key=lambda at: _record_at(shard, at))
    record = _record_at(shard, at) if at < many else 0
    if at == many or record >> _REASON_BITS != wanted:
        return None
    return REASONS[record & _CODE]


def shard_hash(part: int, shard: int, members: bytes) -> bytes:
    """The leaf hash of a shard in the tree over a screening's members."""
    return leaf_hash(part.to_bytes(4) + shard.to_bytes(4) + members)


def _record_at(shard: bytes, at: int) -> int:
    return int.from_bytes(shard[at * WIDTH : (at + 1) * WIDTH])


def _kept(tag: int, bits: int) -> int:
    """The bits of a tag that come after those of its shard, as many as are kept."""
    after = tag & (1 << _TAG_BITS - bits) - 1
    return after << bits >> _TAG_BITS - _KEPT_BITS
