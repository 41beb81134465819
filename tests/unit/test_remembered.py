"""What a sealer remembers of what it sealed."""

from uuid import UUID

import pytest

from consent_service.ledger import remembered
from consent_service.ledger.remembered import Remembered


def _bytes(*numbers):
    return [number.to_bytes(16) for number in numbers]


def _without(known, *numbers):
    return known.without(b"".join(_bytes(*numbers)))


def test_it_leaves_out_what_it_was_told_in_whatever_order():
    known = Remembered()
    known.add(_bytes(5, 9))
    known.add(_bytes(7, 3))
    assert _without(known, 3, 4, 5, 6, 7, 8, 9) == _bytes(4, 6, 8)
    assert _without(known, 9) == _without(known) == []


def test_it_forgets_what_was_before():
    known = Remembered()
    known.add(_bytes(1, 2, 3))
    known.forget_before(UUID(int=2))
    assert _without(known, 1, 2, 3) == _bytes(1)


def test_it_remembers_so_many_and_no_more(monkeypatch):
    monkeypatch.setattr(remembered, "_MOST", 3)
    known = Remembered()
    known.add(_bytes(1, 2))
    known.add(_bytes(3, 4))
    assert _without(known, 1, 2, 3, 4) == _bytes(1)


@pytest.mark.parametrize("late", [0, 1, 255, 256, 257, 511, 512, 700, 999])
@pytest.mark.parametrize("gone", [None, 300, 512, 999])
def test_whatever_came_late_among_many_is_found(late, gone):
    known = Remembered()
    known.add(_bytes(*[number for number in range(1_000) if number != late]))
    there = [number for number in range(1_003) if number != gone]
    assert _without(known, *there) == _bytes(*sorted({late, 1_000, 1_001, 1_002} - {gone}))
    since = [number for number in there if number >= 400]
    assert _without(known, *since) == _bytes(
        *[n for n in sorted({late, 1_000, 1_001, 1_002} - {gone}) if n >= 400]
    )
