"""Whose turn it is with many events: a process works on those of one request at a time."""

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar, cast

from consent_service.kernel.one_at_a_time import OneAtATime

View = TypeVar("View", bound=Callable[..., Any])

_batches = OneAtATime()  # two share the interpreter of a process, and both take longer


def one_batch_at_a_time(view: View) -> View:
    """Has many events wait for their turn before anything is held for them; one has none to wait
    for."""

    @functools.wraps(view)
    def once(body: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with _batches.turn() if "events" in body else nullcontext():
            return view(body, *args, **kwargs)

    return cast(View, once)
