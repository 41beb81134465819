"""What a sealer remembers of what it sealed."""

from uuid import UUID

from consent_service.ledger import remembered
from consent_service.ledger.remembered import Remembered


def _ids(*numbers):
    return [UUID(int=number) for number in numbers]


def _bytes(*numbers):
    return [each.bytes for each in _ids(*numbers)]


def test_it_gives_what_it_was_told_from_an_id_on_in_whatever_order():
    known = Remembered()
    known.add(_ids(5, 9))
    known.add(_ids(7, 3))
    assert known.since(UUID(int=5)) == _bytes(5, 7, 9)
    assert known.since(UUID(int=10)) == []


def test_it_forgets_what_was_before():
    known = Remembered()
    known.add(_ids(1, 2, 3))
    known.forget_before(UUID(int=2))
    assert known.since(UUID(int=0)) == _bytes(2, 3)


def test_it_remembers_so_many_and_no_more():
    known = Remembered()
    for first in (0, remembered._MOST):
        known.add(_ids(*range(first, first + remembered._MOST)))
    assert len(known.since(UUID(int=0))) == remembered._MOST
