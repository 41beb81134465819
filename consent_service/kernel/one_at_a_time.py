"""What threads of a process do one after another, since two at once would only take longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from consent_service.kernel.errors import Unavailable


class OneAtATime:
    """Work that would keep a whole process busy. Who waits longer than `wait_s` seconds is told
    that it cannot be done now."""

    def __init__(self, wait_s: float = 30.0) -> None:
        self.wait_s = wait_s
        self._lock = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While nobody else has it. Raises: Unavailable."""
        if not self._lock.acquire(timeout=self.wait_s):
            raise Unavailable()
        try:
            yield
        finally:
            self._lock.release()
