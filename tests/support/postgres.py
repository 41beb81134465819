"""A real PostgreSQL of the tests' own, in a directory that goes when they end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

URL_VARIABLE = "CONSENT_TEST_POSTGRES_URL"

# The cluster need not survive a power cut; all else is as the service finds it.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
}


class NoPostgres(Exception):
    """There is no PostgreSQL to test with; the text says why."""


@contextmanager
def server(place=None, *, durable=False):
    """The URL of a server on which databases may be made, with its files in `place` or where it is
    fast; `durable` for one that waits for its disk, to measure with. Raises: NoPostgres."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    programs = find_programs()
    where = place or (None if durable else _fast_place())
    root = Path(tempfile.mkdtemp(prefix="consent-postgres-", dir=where))
    try:
        if os.geteuid() == 0:
            shutil.chown(root, _owner().pw_uid, _owner().pw_gid)
        port = _make(programs, root, {"fsync": "on"} if durable else {})
        control = (programs / "pg_ctl", "--pgdata", root / "files", "--silent", "--wait")
        _call(*control, "--log", root / "log", "start")
        try:
            yield f"postgresql://consent@127.0.0.1:{port}/postgres"
        finally:
            _call(*control, "--mode", "fast", "stop")
    finally:
        shutil.rmtree(root)


def _fast_place():
    """Memory where there is plenty: making a database there takes a tenth of the time."""
    memory = Path("/dev/shm")  # noqa: S108  # mkdtemp makes a directory of our own in it
    plenty = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3
    return memory if plenty and os.access(memory, os.W_OK) else None


def find_programs():
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None:
        raise NoPostgres(f"no initdb found: install PostgreSQL, or set {URL_VARIABLE}")
    return newest.parent


def _make(programs, root, changes):
    files = root / "files"
    _call(programs / "initdb", "--pgdata", files, "--username", "consent", "--auth", "trust",
          "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")  # fmt: skip
    port = _free_port()
    settings = {**_SETTINGS, **changes, "port": port, "unix_socket_directories": root}
    with (files / "postgresql.conf").open("a", encoding="ascii") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    return port


def _call(*command):
    """Runs a program of PostgreSQL's, which refuses to be run by root."""
    owner = _owner()
    rights = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **rights,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")


def _owner():
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
