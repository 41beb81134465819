"""Taking a process along when its parent goes, however that went, `kill -9` included.

The parent's id changes the moment the parent is gone; looking twice a second is portable and
needs nothing of the parent.
"""

import os
import signal
import threading
import time

GRACE = 25.0
_INTERVAL = 0.5


def follow(parent: int, grace: float = GRACE) -> None:
    """From now on: when `parent` is gone, this process is told to stop, as by SIGTERM, and
    after `grace` seconds it is ended together with the process group it leads."""
    threading.Thread(target=_follow, args=(parent, grace), daemon=True, name="lifeline").start()


def _follow(parent: int, grace: float) -> None:
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
