"""Keeping child processes running, and taking them along when it is time to go.

The children are forked: what the supervisor has imported they need not, so that a server
answers within moments of its start and of a restart. Each leads a process group of its own:
Ctrl-C in a terminal reaches the supervisor alone, which then stops them; and what a child
leaves behind is ended by its group. When the supervisor itself is killed, the children
notice (`cli.lifeline`).
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from types import TracebackType
from typing import Self

import structlog

from consent_service.cli import lifeline
from consent_service.cli.stopping import on_stop
from consent_service.kernel.errors import DomainError, MisconfiguredError

STOP_WITHIN = 28.0
LONGEST_DELAY = 5.0
_SETTLED_AFTER = 10.0
_TICK = 0.1

_log = structlog.get_logger()


@dataclass(slots=True)
class Child:
    """What to keep running: `run` in a process of its own, which ends when it returns."""

    name: str
    run: Callable[[], None]
    process: ForkProcess | None = None
    start_at: float = 0.0
    started_at: float = 0.0
    quick_ends: int = 0

    def start(self) -> None:
        """Starts it."""
        self.process = multiprocessing.get_context("fork").Process(
            target=_begin, args=(self.run, os.getpid()), name=self.name
        )
        self.process.start()
        self.started_at = time.monotonic()

    def tend(self) -> None:
        """Starts it when it is time, and notices when it ended."""
        moment = time.monotonic()
        if self.process is None:
            if moment >= self.start_at:
                self.start()
        elif self.process.exitcode is not None:
            settled = moment - self.started_at > _SETTLED_AFTER
            self.quick_ends = 0 if settled else self.quick_ends + 1
            delay = restart_delay(self.quick_ends)
            self.start_at = moment + delay
            status = self.process.exitcode
            _log.error("supervisor:child:ended", child=self.name, status=status, restart_in=delay)
            self.take_down()

    def take_down(self) -> None:
        """Ends at once whatever is left of it."""
        if self.process is None:
            return
        assert self.process.pid is not None
        with suppress(ProcessLookupError):  # when nothing is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()
        self.process = None


class Supervisor:
    """`with Supervisor(children) as supervisor: supervisor.wait()`: they run inside the block,
    and none is left after it."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._stop = threading.Event()
        self.stopped_in_time = False

    def __enter__(self) -> Self:
        on_stop(self._stop.set)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
        self.stopped_in_time = all(process.exitcode is not None for process in running)
        for child in self._children:
            child.take_down()

    def wait(self) -> None:
        """Returns when a signal says to stop."""
        self.wait_until(lambda: False)

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Returns True once `ready()` does, False when a signal says to stop before that."""
        while not self._stop.is_set():
            for child in self._children:
                child.tend()
            if ready():
                return True
            self._stop.wait(_TICK)
        return False


def restart_delay(quick_ends: int) -> float:
    """Seconds to wait before a restart, after so many ends in a row soon after the start."""
    return min(0.25 * (1 << min(quick_ends, 10)), LONGEST_DELAY) if quick_ends else 0.0


def _begin(run: Callable[[], None], parent: int) -> None:
    """A child's first steps. It speaks on standard error: standard output is the command's."""
    os.setpgid(0, 0)
    os.dup2(2, 1)
    lifeline.follow(parent)
    try:
        run()
    except (MisconfiguredError, DomainError) as error:
        _log.error("supervisor:child:failed", error=str(error))
        sys.exit(1)
