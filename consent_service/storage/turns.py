"""Whose turn it is to write to a SQLite file. The store's own way to wait is to look again after a
while, in the end after a tenth of a second: where many write, the last one waits long, and the
store has nothing to do meanwhile. So all of ours that write wait here: the threads of a process for
each other, and processes for a lock on the directory that the file is in, at which they look often.

Nothing rests on it. Another program that writes does not know of it, and where the directory
cannot be locked nobody waits: SQLite's own lock is behind it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import Engine, event

from consent_service.kernel.errors import Unavailable

WAIT_S = 5.0  # as long as SQLite itself waits
_LOOK_S = 0.000_25  # a write takes a few of these
_LET_OTHERS_S = 0.000_4  # more than a look: whoever waits elsewhere comes first

_turns: WeakKeyDictionary[Engine, "Turn"] = WeakKeyDictionary()
_one_maker = Lock()


class Turn:
    """One thread's at a time, among all that write to the files of a directory."""

    def __init__(self, directory: Path | None) -> None:
        self._here, self._given_back = Lock(), 0.0
        self._lock: int | None = None
        with suppress(OSError):
            if directory is not None:
                self._lock = os.open(directory, os.O_RDONLY)
                finalize(self, os.close, self._lock)

    @contextmanager
    def taken(self, until: float) -> Iterator[None]:
        """Waits for the turn, and has it for as long as the block takes. Raises: Unavailable when
        it has not come by `until`, as `time.monotonic` has it."""
        if not self._here.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Unavailable()
        try:
            self._take(until)
            try:
                yield
            finally:
                self._give_back()
        finally:
            self._here.release()

    def _take(self, until: float) -> None:
        if time.monotonic() - self._given_back < _LOOK_S:
            time.sleep(_LET_OTHERS_S)
        while self._lock is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Unavailable() from None
                time.sleep(_LOOK_S)
            except OSError:  # a file system that has no locks
                return

    def _give_back(self) -> None:
        if self._lock is not None:
            with suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_UN)
        self._given_back = time.monotonic()


def turn_of(engine: Engine) -> Turn | None:
    """The turn to write to an engine's store; None where the store sees to it, as PostgreSQL does.
    It is another one when the engine was disposed: no lock is open across a fork."""
    if engine.dialect.name != "sqlite":
        return None
    with _one_maker:
        found = _turns.get(engine)
        if found is None:
            found = _turns[engine] = Turn(_directory(engine.url.database))
            event.listen(engine, "engine_disposed", lambda _: _turns.pop(engine, None), once=True)
        return found


def _directory(database: str | None) -> Path | None:
    """Of a store in memory, or one that is named by a URI, none."""
    if not database or database.startswith((":", "file:")):
        return None
    return Path(database).resolve().parent
