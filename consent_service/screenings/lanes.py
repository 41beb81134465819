"""Threads that speak with the store, each through a connection of its own and all at one moment:
one, and of a large audience two where there is a connection to spare."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from contextvars import copy_context
from typing import Any, TypeVar

from consent_service.decisions.audience_store import Gathering
from consent_service.kernel.errors import Unavailable
from consent_service.storage.unit_of_work import is_one_to_spare

Progress = Callable[[int], None]
T = TypeVar("T")

PIECE, WHOLE = 1 << 20, 1 << 22  # rows: a byte each, and of the store's memory 64
_PATIENCE_S = 1.0


class Lane:
    """Another thread, which does one thing after another. Raises: Unavailable."""

    def __init__(self, moment: str | None = None) -> None:
        self._pool, self._context = ThreadPoolExecutor(1), copy_context()
        try:
            self.gathering = self.begin(Gathering, moment).result()
        except BaseException:
            self._pool.shutdown()
            raise

    def begin(self, work: Callable[..., T], *given: Any) -> Future[T]:
        """Begins some work, after all before."""
        return self._pool.submit(self._context.run, work, *given)

    def close(self) -> None:
        """Ends it, after all before."""
        with self._pool:
            self.begin(self.gathering.close).result()


class Lanes:
    """The threads of an audience, of which each has a piece. Whoever waits for one says so every
    second. Raises: Unavailable."""

    def __init__(self, progress: Progress, piece: int = PIECE) -> None:
        self.progress, self._piece = progress, piece
        self._lanes, self._tried = deque([Lane()]), False

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as closed:
            for lane in self._lanes:
                closed.callback(lane.close)

    @property
    def many(self) -> int:
        """How many there are."""
        return len(self._lanes)

    def next(self) -> Lane:
        """The one whose turn it is."""
        self._lanes.rotate(-1)
        return self._lanes[-1]

    def is_full(self, rows: int) -> bool:
        """Whether a piece of so many rows is not to grow, since another lane has the next."""
        return rows >= WHOLE or (rows >= self._piece and (self.many > 1 or self._open()))

    def end(self, begun: Future[T]) -> T:
        """What came of some work."""
        self.progress(0)
        while not wait([begun], _PATIENCE_S).done:
            self.progress(0)
        return begun.result()

    def _open(self) -> bool:
        """Opens another, whose turn is the next; whether it could be. It is tried once."""
        if self._tried:
            return False
        self._tried, lane = True, self._lanes[-1]
        moment = self.end(lane.begin(lane.gathering.moment))
        if moment is not None and is_one_to_spare():
            with suppress(Unavailable):
                self._lanes.appendleft(Lane(moment))
        return self.many > 1
