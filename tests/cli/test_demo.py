"""`consent demo` as it is: real processes, a fresh directory."""

import base64
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from urllib.request import urlopen

import pytest

from consent_service.oauth.model import Scope
from tests.support.processes import Command, free_port, get, within


@pytest.fixture
def demo(tmp_path):
    """`demo(port, …)`: a demo in a directory of the test's."""
    started = []

    def start(port, *arguments, **environment):
        place = ("--data-dir", tmp_path / "instance")
        command = Command("demo", "--port", port, *place, *arguments, environment=environment)
        started.append(command)
        return command

    yield start
    for command in started:
        command.clear()


def post(port, path, body, headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", path, body, headers)
    reply = connection.getresponse()
    found = reply.status, json.loads(reply.read())
    connection.close()
    return found


def token_of(port, client):
    secret = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    headers = {
        "Authorization": f"Basic {secret}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    status, body = post(port, "/oauth/token", "grant_type=client_credentials", headers)
    assert status == 200, body
    return body


def test_it_tells_what_there_is_and_goes_on_with_it_the_next_time(demo, tmp_path, mode_of):
    port = free_port()
    production = {"CONSENT_DATABASE_URL": "postgresql://127.0.0.1:1/production"}
    first = demo(port, "--json", **production)
    told = json.loads(first.main.stdout.readline())
    assert told["base_url"] == f"http://127.0.0.1:{port}"
    assert told["token_url"] == f"{told['base_url']}/oauth/token"
    assert set(told["sign_in"]) == {"customer", "officer", "agent", "auditor"}
    assert told["notice_version"] == "2026-10"
    assert "marketing.newsletter" in told["purposes"]
    assert len(told["customers"]) >= 100
    assert len({one["id"] for one in told["customers"]}) == len(told["customers"])
    assert get(port, "/readyz") == 200
    with urlopen(f"{told['base_url']}/healthz") as reply:  # noqa: S310  # the demo just started
        assert reply.headers["Server"] == "consent"
    assert set(told["clients"]["admin"]["scope"].split()) == set(Scope)
    for client in told["clients"].values():
        assert token_of(port, client)["scope"].split() == client["scope"].split()
    token = token_of(port, told["clients"]["campaigns"])["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    someone = {"type": "email", "value": "p000001.mail@example.org"}  # subscribed, in the list
    check = {"identifier": someone, "purpose": "marketing.newsletter"}
    status, decision = post(port, "/v1/decisions", json.dumps(check), headers)
    assert (status, decision["outcome"]) == (200, "permit")
    assert first.end(signal.SIGINT)[0] == 0
    assert not first.processes()
    assert {file.name.partition(".")[0] for file in (tmp_path / "instance").iterdir()} == {
        "consent",
        "keys",
        "demo-clients",
    }
    assert mode_of(tmp_path / "instance" / "demo-clients.json") == "0o600"

    second = demo(port, "--json")
    again = json.loads(second.main.stdout.readline())
    assert again == told
    assert second.end(signal.SIGTERM)[0] == 0

    (tmp_path / "instance" / "demo-clients.json").unlink()
    third = demo(port, "--json")
    rotated = json.loads(third.main.stdout.readline())
    assert rotated["customers"] == told["customers"]
    for name, client in rotated["clients"].items():
        assert client["client_secret"] != told["clients"][name]["client_secret"]
        token_of(port, client)
    assert third.end()[0] == 0


def test_its_curl_lines_work_when_pasted_and_ctrl_c_at_a_terminal_ends_it(tmp_path):
    port = free_port()
    place = ("--data-dir", tmp_path / "instance", "--port", str(port))
    terminal, its_side = pty.openpty()
    command = [sys.executable, "-m", "consent_service.cli", "demo", *place]
    demo = subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=its_side, stdout=its_side, stderr=its_side
    )
    os.close(its_side)
    said = b""
    while b"Ctrl-C ends the demo" not in said:
        said += os.read(terminal, 4096)
    text = said.decode().replace("\r\n", "\n")
    lines = re.findall(r"^  (curl (?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert len(lines) == 3
    replies = [json.loads(subprocess.check_output(["bash", "-c", line])) for line in lines]
    assert [reply.get("outcome") for reply in replies] == ["permit", "permit", None]
    assert replies[2]["expires_in"] == 600
    os.write(terminal, b"\x03")
    assert demo.wait(timeout=30) == 0
    left = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert left.strip() in {"", "^C"}
    assert get(port, "/healthz") is None


def test_a_port_in_use_is_told_before_anything_else(demo, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = demo(taken.getsockname()[1], "--json")
        out, said = command.main.communicate(timeout=20)
    assert (command.main.returncode, out) == (2, b"")
    assert said.decode().startswith("error: cannot listen on 127.0.0.1 port")
    assert "name another one by --port" in said.decode()
    assert "CONSENT_" not in said.decode()  # they play no part
    assert not (tmp_path / "instance").exists()


@pytest.mark.long
def test_ctrl_c_while_it_prepares_ends_it_without_noise_and_the_next_start_completes_it(demo):
    port = free_port()
    first = demo(port, "--json")
    within(20, lambda: b"Preparing" in first.main.stderr.peek())
    status, said = first.end(signal.SIGINT)
    assert status in {0, 130}
    assert "Traceback" not in said
    second = demo(port, "--json")
    assert len(json.loads(second.main.stdout.readline())["customers"]) >= 100
    assert second.end()[0] == 0
