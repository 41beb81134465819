"""Waiting for a change without taking a thread from those who ask something: of each process only
so many requests wait, and whoever finds no seat is answered at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_SECONDS = 20  # a server that stops lets requests end within 28
_LOOK_EVERY = 0.25

_lock = threading.Lock()
_taken = 0


def seats(threads: int) -> int:
    """How many of a process's threads may wait: under half of them, so that there is always one
    that answers."""
    return (threads - 1) // 2


@contextmanager
def seat(threads: int) -> Iterator[bool]:
    """Whether there was a seat; it is free again when the block ends."""
    global _taken  # noqa: PLW0603  # of the whole process
    with _lock:
        found = _taken < seats(threads)
        _taken += found
    try:
        yield found
    finally:
        with _lock:
            _taken -= found


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Looks again and again, so many seconds; whether it was ready."""
    until = time.monotonic() + seconds
    while not ready():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_LOOK_EVERY, left))
    return True
