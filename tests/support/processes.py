"""A server in processes of its own, and what is left of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

PATIENCE = 40.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def within(seconds, holds):
    """Waits until `holds()` does; what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.02)
    return found


class Command:
    """`consent` with some arguments, in a session of its own, so that all that it starts can
    be found."""

    def __init__(self, *arguments, environment=None):
        kept = {n: v for n, v in os.environ.items() if not n.startswith("CONSENT_")}
        self.main = subprocess.Popen(
            [sys.executable, "-m", "consent_service.cli", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=kept | (environment or {}),
            start_new_session=True,
        )

    def processes(self):
        """The processes there are: the parent's id by id."""
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(ValueError, OSError):
                text = (entry / "stat").read_text()
                state, parent, _, session = text.rpartition(")")[2].split()[:4]
                if int(session) == self.main.pid and state != "Z":
                    found[int(entry.name)] = int(parent)
        return found

    def workers(self):
        """The web workers: grandchildren of the command."""
        found = self.processes()
        return [one for one, parent in found.items() if found.get(parent) == self.main.pid]

    def kill(self, process):
        os.kill(process, signal.SIGKILL)

    def end(self, number=signal.SIGTERM):
        """Tells the command to stop; its exit status and what it said on standard error."""
        self.main.send_signal(number)
        said = self.main.communicate(timeout=PATIENCE)
        return self.main.returncode, said[1].decode()

    def clear(self):
        """Ends what is left, for a test that failed."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.main.communicate(timeout=PATIENCE)


def get(port, path, timeout=5):
    """The status of a GET; None when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def get_json(port, path, headers, *, as_text=False):
    """The body of a GET that is answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read().decode()
        assert reply.status == 200, body
        return body if as_text else json.loads(body)
    finally:
        connection.close()
