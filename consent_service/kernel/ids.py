"""Opaque ids: a prefix that names the kind, then one or two UUIDs in Crockford base 32.

An id of something that belongs to a customer carries the customer too, so that looking it
up touches one place of a store that is spread over machines.
"""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType
from uuid import UUID, SafeUUID

from consent_service.kernel.errors import NotFound

CustomerId = NewType("CustomerId", UUID)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PYTHONS = "0123456789abcdefghijklmnopqrstuv"  # what `int` reads in base 32
_TO_PYTHONS = bytes(
    ord(_PYTHONS[_ALPHABET.index(chr(code))]) if chr(code) in _ALPHABET else ord("?")
    for code in range(256)
)
_LENGTH = 26
_THREE = [a + b + c for a in _ALPHABET for b in _ALPHABET for c in _ALPHABET]  # 15 bits at once
_LOWER = (1 << 60) - 1
_FEW = 3  # ids are made faster one by one
_LANE = 32  # bytes, of which a UUID is in the last 16
_HALVINGS = ((80, 48), (40, 24), (20, 12), (10, 6), (5, 3))  # bits in a half, and how far it moves
_LETTERS = bytes.maketrans(bytes(range(32)), _ALPHABET.encode())
_FROM_LETTERS = bytes(_ALPHABET.find(chr(code)) & 0xFF for code in range(256))
_HIGHEST = 0b111  # of the first letter: 26 of them have two bits more than a UUID
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_NEITHER = ~(0xF << 76 | 0b11 << 62)
# What a UUID is closed to.
_set_number = UUID.__dict__["int"].__set__
_set_safety = UUID.__dict__["is_safe"].__set__
_new = object.__new__
_UNKNOWN = SafeUUID.unknown  # looked up once: an enum's member is slow to find
_COUNTER = 14  # bits; 60 random ones are left


def new_uuid() -> UUID:
    """A time-ordered random id. Source: RFC 9562, section 5.7 (UUID version 7)."""
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return _uuid(value & _NEITHER | _VERSION_AND_VARIANT)


def new_uuids(count: int) -> list[UUID]:
    """Up to 16,384 ids that follow one another as numbers, the first of them random. Source:
    RFC 9562, section 6.2 (a counter in the last bits)."""
    assert count <= 1 << _COUNTER
    first = new_uuid().int >> _COUNTER << _COUNTER
    return [_uuid(first + at) for at in range(count)]


def uuid_of_hex(digits: str) -> UUID:
    """As `UUID(digits)`, of 32 of them and nothing else, in a quarter of the time."""
    return _uuid(int(digits, 16))


def first_uuid_of(instant: datetime) -> UUID:
    """What no id that was made at an instant or later is smaller than."""
    return UUID(int=int(instant.timestamp() * 1_000) << 80)


def time_of(made: UUID) -> datetime:
    """When an id was made, to the millisecond, by the clock of whoever made it."""
    return datetime.fromtimestamp((made.int >> 80) / 1_000, UTC)


def new_customer_id() -> CustomerId:
    """A fresh customer id, derived from nothing about the person."""
    return CustomerId(new_uuid())


def encode(prefix: str, *parts: UUID) -> str:
    """`prefix_` and 26 characters for each part."""
    return prefix + "_" + "".join([base32(part.int) for part in parts])


def encode_all(prefix: str, *columns: Sequence[UUID]) -> list[str]:
    """As `encode`, of many: each column has one part of every id."""
    if len(columns[0]) <= _FEW:
        return [encode(prefix, *each) for each in zip(*columns, strict=True)]
    parts = [
        _of_lanes(b"".join([part.int.to_bytes(_LANE) for part in column])) for column in columns
    ]
    return [prefix + "_" + "".join(each) for each in zip(*parts, strict=True)]


def decode(prefix: str, text: str, parts: int = 1) -> tuple[UUID, ...]:
    """The parts of an id that `encode` made.

    Raises: NotFound for anything else: whoever asks for a malformed id is told what
    whoever asks for an unknown one is told.
    """
    head, _, body = text.partition("_")
    if head != prefix or len(body) != _LENGTH * parts:
        raise NotFound()
    try:
        numbers = [_number(body[at : at + _LENGTH]) for at in range(0, _LENGTH * parts, _LENGTH)]
        return tuple(_uuid(number) for number in numbers)
    except ValueError:
        raise NotFound() from None


def customer_id_text(customer_id: CustomerId) -> str:
    """The public form, `cus_…`."""
    return encode("cus", customer_id)


def parse_customer_id(text: str) -> CustomerId:
    """The customer id behind `cus_…`; as `decode`, in half the time. Raises: NotFound."""
    if len(text) != 4 + _LENGTH or not text.startswith("cus_"):
        raise NotFound()
    try:
        return CustomerId(_uuid(_number(text[4:])))
    except ValueError:
        raise NotFound() from None


def parse_customer_ids(texts: Sequence[str]) -> bytes | None:
    """As `parse_customer_id`, of many, in a fifth of the time: 16 bytes each. None where one of
    them is none."""
    count, size = len(texts), 4 + _LENGTH
    if not count:
        return b""
    said = "".join(texts).encode("ascii", "replace")
    if set(map(len, texts)) != {size} or any(
        said[at::size] != letter * count for at, letter in enumerate((b"c", b"u", b"s", b"_"))
    ):
        return None
    lanes = bytearray(b"0" * (_LANE * count))
    for at in range(_LENGTH):
        lanes[_LANE - _LENGTH + at :: _LANE] = said[4 + at :: size]
    fives = lanes.translate(_FROM_LETTERS)
    if b"\xff" in fives or max(fives[_LANE - _LENGTH :: _LANE]) > _HIGHEST:
        return None
    number = int.from_bytes(fives)
    for upper, by in reversed(_halvings(count)):
        moved = number & upper << by
        number = number ^ moved | moved >> by
    return last_of_each(number.to_bytes(_LANE * count), _LANE, 16)


def list_customer_ids(texts: Sequence[str]) -> list[CustomerId] | None:
    """As `parse_customer_ids`, as ids."""
    found = parse_customer_ids(texts)
    if found is None:
        return None
    each = [found[at : at + 16] for at in range(0, len(found), 16)]
    return [CustomerId(_uuid(int.from_bytes(one))) for one in each]


def last_of_each(lanes: bytes, width: int, kept: int) -> bytes:
    """Of every so many bytes the last few."""
    found = bytearray(len(lanes) // width * kept)
    for at in range(kept):
        found[at::kept] = lanes[width - kept + at :: width]
    return bytes(found)


def base32(number: int) -> str:
    """The 26 characters that stand for a UUID's 128-bit number in an id."""
    upper, lower = number >> 60, number & _LOWER  # small numbers are shifted faster
    return (
        f"{_THREE[upper >> 60]}{_THREE[upper >> 45 & 0x7FFF]}{_THREE[upper >> 30 & 0x7FFF]}"
        f"{_THREE[upper >> 15 & 0x7FFF]}{_THREE[upper & 0x7FFF]}{_THREE[lower >> 45]}"
        f"{_THREE[lower >> 30 & 0x7FFF]}{_THREE[lower >> 15 & 0x7FFF]}{_THREE[lower & 0x7FFF]}"
    )[1:]


def base32_all(uuids: Sequence[str]) -> list[str]:
    """As `base32`, of UUIDs in hex, with or without hyphens, in a fifth of the time: all are one
    number, in lanes of which every halving moves the upper half away from the lower one, until
    each 5 bits have a byte."""
    if not uuids:
        return []
    pad = "0" * _LANE
    return _of_lanes(bytes.fromhex(pad + pad.join(uuids).replace("-", "")))


def _of_lanes(lanes: bytes) -> list[str]:
    number = int.from_bytes(lanes)
    for upper, by in _halvings(len(lanes) // _LANE):
        moved = number & upper
        number = number ^ moved | moved << by
    text = number.to_bytes(len(lanes)).translate(_LETTERS).decode()
    return [text[end - _LENGTH : end] for end in range(_LANE, len(text) + 1, _LANE)]


@lru_cache(maxsize=8)
def _halvings(lanes: int) -> list[tuple[int, int]]:
    """Which bits of all lanes move, and by how many."""
    found = []
    for half, by in _HALVINGS:
        width = 2 * (half + by)
        lane = sum((1 << half) - 1 << at + half for at in range(0, _LANE * 8, width))
        found.append((int.from_bytes(lane.to_bytes(_LANE) * lanes), by))
    return found


def _uuid(number: int) -> UUID:
    """As `UUID(int=number)`, which looks at much that is known here, in half the time."""
    made = _new(UUID)
    _set_number(made, number)
    _set_safety(made, _UNKNOWN)
    return made


def _number(letters: str) -> int:
    """Raises: ValueError for what is no letter of ours, or more than a UUID holds."""
    number = int(letters.encode("ascii").translate(_TO_PYTHONS), 32)
    if number >> 128:
        raise ValueError("more than 128 bits")
    return number
