"""`consent serve` as it is: real processes, real signals."""

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from consent_service.cli.supervisor import LONGEST_DELAY, restart_delay
from consent_service.crypto.keyring import dump
from tests.support.processes import Command, free_port, get, within


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def serve(home, port):
    """`serve()`: a server that answers."""
    started = []

    def start(*arguments, until="/healthz"):
        server = Command("serve", "--data-dir", home, "--port", port, *arguments)
        started.append(server)
        within(20, lambda: server.main.poll() is not None or get(port, until) == 200)
        assert server.main.poll() is None
        within(5, lambda: len(server.workers()) == 2)
        return server

    yield start
    for server in started:
        server.clear()


def listening_on(port):
    """The sockets of this machine that listen on a port, by inode."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}


def held_by(process, store):
    """What of a store a process has open: the sockets to its port, or its files."""
    url = make_url(store)
    if url.port is None:
        ours = str(url.database)
    else:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ours = tuple(f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{url.port:04X}"))
    opened = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed since it was listed
            opened.add(os.readlink(each))
    return {each for each in opened if each.startswith(ours)}


def gone(server):
    return lambda: not server.processes()


def test_it_answers_from_two_processes_and_ends_cleanly(serve, port):
    server = serve(until="/readyz")
    assert len(server.processes()) == 5  # itself, web with two workers, the jobs' worker
    within(10, lambda: len(listening_on(port)) == 2)
    status, said = server.end()
    assert status == 0
    assert "Traceback" not in said
    within(1, gone(server))


def test_the_app_is_shared_and_no_connection(store, keyring, port):
    """Nothing is open in those that are forked from; who answers opens connections of its own."""
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEYRING": dump(keyring)}
    server = Command("serve", "--port", port, environment=around)
    try:
        within(20, lambda: get(port, "/readyz") == 200 and len(server.workers()) == 2)
        one, other = server.workers()
        within(20, lambda: get(port, "/readyz") and held_by(one, store) and held_by(other, store))
        web = server.processes()[one]
        assert not held_by(web, store) | held_by(server.main.pid, store)
        if store.startswith("postgresql"):
            assert held_by(one, store).isdisjoint(held_by(other, store))
    finally:
        server.clear()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_everybody_ends_it_cleanly(serve, number):
    """As Ctrl-C, or as systemd does."""
    server = serve()
    started = time.monotonic()
    for process in server.processes():
        with suppress(ProcessLookupError):  # the first has told it already
            os.kill(process, number)
    said = server.main.communicate(timeout=40)[1].decode()
    assert server.main.returncode == 0
    assert "Traceback" not in said
    assert time.monotonic() - started < 10
    within(1, gone(server))


def test_a_web_worker_that_is_killed_is_replaced(serve, port):
    server = serve()
    before = server.workers()
    server.kill(before[0])
    within(10, lambda: len(set(server.workers()) - set(before)) == 1)
    within(10, lambda: get(port, "/readyz") == 200)
    assert before[1] in server.workers()


def test_what_is_started_anew_reads_the_keys_anew(serve, home, port):
    """The app was made before the fork; keys of then, without those rotated in since, would find
    nobody."""
    server, keys = serve(until="/readyz"), home / "keys.json"
    keys.rename(home / "away")
    worker = server.workers()[0]
    web = server.processes()[worker]
    server.kill(worker)
    within(15, lambda: web not in server.processes())  # it gave up
    (home / "away").rename(keys)
    within(15, lambda: get(port, "/readyz") == 200)
    assert "no key file" in server.end()[1]


@pytest.mark.parametrize("child", [0, 1])
def test_a_child_that_is_killed_is_replaced_with_all_it_had(serve, port, child):
    server = serve()
    before = server.processes()
    children = sorted(one for one, parent in before.items() if parent == server.main.pid)
    server.kill(children[child])
    within(10, lambda: len(server.processes().keys() - {children[child]}) == 5)
    within(10, lambda: get(port, "/readyz") == 200)
    status, said = server.end()
    assert status == 0
    assert '"supervisor:child:ended"' in said


def test_nothing_is_left_when_the_supervisor_is_killed(serve, port):
    server = serve()
    server.kill(server.main.pid)
    server.main.wait()
    within(15, gone(server))
    assert get(port, "/healthz") is None


def test_nothing_is_left_when_it_is_killed_while_it_starts(home, port):
    server = Command("serve", "--data-dir", home, "--port", port)
    try:
        within(20, lambda: len(server.processes()) > 2)
        server.kill(server.main.pid)
        server.main.wait()
        within(15, gone(server))
    finally:
        server.clear()


def test_a_request_under_way_is_finished(serve, port):
    """Its body is still coming when the server is told to stop."""
    server = serve()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(
            b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
        )
        time.sleep(0.3)
        ended = []
        stopping = threading.Thread(target=lambda: ended.append(server.end()))
        stopping.start()
        time.sleep(0.5)
        client.sendall(b"client_credentials")
        assert client.recv(12) == b"HTTP/1.1 401"
    stopping.join()
    assert ended[0][0] == 0


def test_it_says_nothing_on_standard_output_and_no_path_or_query(serve, port):
    server = serve()
    get(port, "/healthz?canary=jane@example.org")
    get(port, "/v1/customers/cus_canary")
    server.main.send_signal(signal.SIGTERM)
    out, said = server.main.communicate(timeout=40)
    assert out == b""
    assert b"canary" not in said


def test_a_port_in_use_is_told_and_nothing_is_started(serve, home, port):
    serve()
    second = Command("serve", "--data-dir", home, "--port", port)
    said = second.main.communicate(timeout=20)[1].decode()
    assert second.main.returncode == 2
    assert said.startswith("error: ")
    assert f"port {port}" in said
    assert len(said.splitlines()) == 1


def test_restarts_wait_longer_and_never_for_long():
    waits = [restart_delay(ends) for ends in range(12)]
    assert waits[:4] == [0.0, 0.5, 1.0, 2.0]
    assert waits == sorted(waits)
    assert max(waits) == restart_delay(10_000) == LONGEST_DELAY == 5.0
