"""Being told to stop, by a signal, safely in a process of many threads.

A signal handler of Python's runs in the main thread alone, which may be asleep in a lock while
another thread was given the signal; and what a handler sets may be locked by the very code it
interrupts. So the signals are blocked, and a thread waits for them. Processes that are forked
have them blocked from the start: one that comes early waits until `on_stop` is called there.
"""

import signal
import threading
from collections.abc import Callable


def on_stop(stop: Callable[[], object]) -> None:
    """From now on, the first SIGINT, SIGTERM or SIGHUP calls `stop` in a thread of its own,
    and those after it are ignored. To be called before other threads are started."""
    wanted = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        wanted.add(signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)

    def wait() -> None:
        signal.sigwait(wanted)
        stop()

    threading.Thread(target=wait, daemon=True, name="stop").start()
