"""Questions about a value that never changes, answered once and kept with it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple, cast

Asked = TypeVarTuple("Asked")
Answer = TypeVar("Answer")

_NOT_YET = object()
MOST_KEPT = 1_000  # what is asked for may come from outside


def kept(question: Callable[[Any, *Asked], Answer]) -> Callable[[Any, *Asked], Answer]:
    """Makes a method of a frozen value give the answer of the first time. The value has a dict
    `answers` that is no part of what it is."""
    name = question.__name__

    @wraps(question)
    def answer(value: Any, *asked: *Asked) -> Answer:
        answers: dict[Any, Any] = value.answers
        key = (name, asked)
        found: Any = answers.get(key, _NOT_YET)
        if found is _NOT_YET:
            if len(answers) >= MOST_KEPT:
                answers.clear()
            found = answers[key] = question(value, *asked)
        return cast(Answer, found)

    return answer
