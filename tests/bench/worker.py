"""The worker of a server, made to stand still for a while."""

import os
import signal
import time
from contextlib import contextmanager


def worker_of(command):
    """The id of the worker's process: the child of the command that has no children."""
    found = command.processes()
    (worker,) = (
        one
        for one, parent in found.items()
        if parent == command.main.pid and one not in found.values()
    )
    return worker


@contextmanager
def standing_still(command, write):
    """The worker does nothing meanwhile, and holds nothing: where `write()`, which writes to the
    store, fails, it was stopped within a transaction, and is let go on for a moment."""
    worker = worker_of(command)
    try:
        while True:
            os.kill(worker, signal.SIGSTOP)
            try:
                write()
                break
            except OSError:
                os.kill(worker, signal.SIGCONT)
                time.sleep(0.1)
        yield
    finally:
        os.kill(worker, signal.SIGCONT)
