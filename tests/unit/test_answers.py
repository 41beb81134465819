from dataclasses import dataclass, field, replace
from typing import Any

from consent_service.kernel.answers import MOST_KEPT, kept


@dataclass(frozen=True, slots=True)
class Shelf:
    books: tuple[str, ...]
    looked: list[str] = field(default_factory=list, compare=False)
    answers: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    @kept
    def has(self, book):
        """Whether it is there."""
        self.looked.append(book)
        return book in self.books or None

    @kept
    def count(self, book):
        return self.books.count(book)


def test_a_question_is_answered_once_also_with_nothing():
    shelf = Shelf(("a", "b"))
    assert [shelf.has("a"), shelf.has("x"), shelf.has("a"), shelf.has("x")] == [
        True,
        None,
        True,
        None,
    ]
    assert shelf.looked == ["a", "x"]


def test_questions_and_values_are_told_apart():
    one, other = Shelf(("a",)), Shelf(("b",))
    assert (one.has("a"), one.count("a"), other.has("a"), other.count("a")) == (True, 1, None, 0)


def test_what_was_asked_is_no_part_of_a_value():
    asked, not_asked = Shelf(("a",)), Shelf(("a",))
    asked.has("a")
    assert asked == not_asked
    assert hash(asked) == hash(not_asked)
    assert "answers" not in repr(asked)
    assert replace(asked, books=("b",)).has("a") is None


def test_only_so_many_answers_are_kept():
    shelf = Shelf(("7",))
    for number in range(3 * MOST_KEPT):
        assert shelf.has(str(number)) == (number == 7 or None)
        assert len(shelf.answers) <= MOST_KEPT
