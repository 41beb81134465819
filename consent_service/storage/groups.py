"""Threads of a process of which one does, for all that wait, what each of them came for: whoever
comes first, and then, for those who came meanwhile, one of those. Nobody is kept for it, so that
one who comes alone waits for nobody.
"""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from consent_service.kernel.errors import Unavailable

WAIT_S = 5.0  # for others to be done: as long as SQLite itself waits

_MOST = 64  # at once: the first of them waits for the last


class Work:
    """What one thread wants done. It `leads` when it is the one to do it for others too."""

    __slots__ = ("_is_woken", "_woken", "done", "error", "leads")

    def __init__(self) -> None:
        self.leads = self.done = self._is_woken = False
        self.error: Exception | None = None
        self._woken: Lock | None = None

    def queue(self) -> None:
        """Before its thread waits, and before anybody else sees it."""
        self._woken = Lock()
        self._woken.acquire()

    def wait(self, seconds: float = -1) -> bool:
        """Until it is done, or its turn to lead; False when it came to neither in time."""
        assert self._woken is not None
        return self._woken.acquire(timeout=seconds)

    def wake(self) -> None:
        """Has its thread go on, if it waits."""
        if self._woken is not None and not self._is_woken:
            self._is_woken = True
            self._woken.release()


Some = TypeVar("Some", bound=Work)
Take = Callable[[], list[Some]]


class Group(Generic[Some]):
    """The threads that want the same kind of work done."""

    def __init__(self) -> None:
        self._lock, self._waiting, self._is_led = Lock(), list[Some](), False

    def join(self, own: Some, carry_out: Callable[[Take[Some]], None]) -> None:
        """Returns when `own` is done. Who leads has it done by `carry_out`, which takes all that
        waits when it is ready, and marks what it has done.

        Raises: Unavailable when it was not done in time, and what went wrong with it.
        """
        if not self._leads_at_once(own):
            self._wait(own)
        if own.leads:
            self._lead(own, carry_out)
        if own.error is not None:
            raise own.error
        if not own.done:
            raise Unavailable()

    def _leads_at_once(self, own: Some) -> bool:
        with self._lock:
            if self._is_led:
                own.queue()
            else:
                own.leads = self._is_led = True
            self._waiting.append(own)
            return own.leads

    def _wait(self, own: Some) -> None:
        try:
            if not own.wait(WAIT_S) and not self._leave(own):
                own.wait()  # it is being carried out
        except BaseException:
            if not self._leave(own) and own.leads:
                self._hand_on(own)
            raise

    def _leave(self, own: Some) -> bool:
        """Whether it waits no longer, for nobody has begun with it, nor is it to lead."""
        with self._lock:
            if own in self._waiting and not own.leads:
                self._waiting.remove(own)
                return True
            return False

    def _lead(self, own: Some, carry_out: Callable[[Take[Some]], None]) -> None:
        taken: list[Some] = []

        def take() -> list[Some]:
            taken.extend(self._those_who_wait(own))
            return taken

        try:
            carry_out(take)
        finally:
            self._hand_on(own)
            for each in taken:
                each.wake()

    def _those_who_wait(self, own: Some) -> list[Some]:
        with self._lock:
            self._waiting.remove(own)
            found = [own, *self._waiting[: _MOST - 1]]
            del self._waiting[: _MOST - 1]
            return found

    def _hand_on(self, own: Some) -> None:
        """Has the next one lead, if there is one."""
        with self._lock:
            if own in self._waiting:
                self._waiting.remove(own)
            self._is_led = bool(self._waiting)
            if self._is_led:
                self._waiting[0].leads = True
                self._waiting[0].wake()
