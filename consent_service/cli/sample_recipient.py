"""The demo's recipients: an e-mail service, and one that stands for all others. Each is told by its
webhook what people ask for, and says over the public API, as any recipient would, that it has done
it. They hold nothing of their own, so that what they say is true."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from consent_service.cli.stopping import on_stop

HOST = "127.0.0.1"
_QUEUE = "/v1/requests-for-me"
_AGAIN_S = 1.0
_TOLERANCE_S = 300
_MOST_BYTES = 65_536
_FAILURES = (OSError, HTTPException, ValueError, KeyError)

_log = structlog.get_logger("consent.sample_recipient")


class Recipient(ThreadingHTTPServer):
    """Their server, on a port of its own from now on; it answers in the process that calls
    `run`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.url = f"http://{HOST}:{self.server_port}/webhook"

    def run(self, port: int, told: Sequence[tuple[Mapping[str, str], str]]) -> None:
        """Answers what it is told, and first what came while it was away, until this process is
        told to stop. `told` are clients, each with its webhook's secret."""
        stop = threading.Event()

        def end() -> None:
            stop.set()
            self.shutdown()

        on_stop(end)
        self.port, self.told = port, told
        threading.Thread(target=self._catch_up, args=(stop,), daemon=True).start()
        self.serve_forever()

    def _catch_up(self, stop: threading.Event) -> None:
        while not stop.wait(_AGAIN_S):
            try:
                for client, _ in self.told:
                    answer_all(self.port, client)
            except _FAILURES:
                continue  # the service is not up yet
            return


class _Handler(BaseHTTPRequestHandler):
    server: Recipient
    timeout = 10

    def do_POST(self) -> None:  # the library's name
        """A webhook: what is not the service's own is refused; what cannot be done now is to be
        sent again."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _MOST_BYTES))
        headers = {name.lower(): value for name, value in self.headers.items()}
        now = time.time()
        told = [c for c, secret in self.server.told if is_genuine(headers, body, secret, now)]
        if not told:
            self._say(401)
            return
        try:
            confirm(self.server.port, told[0], json.loads(body)["data"]["id"])
        except _FAILURES as error:
            _log.warning("sample_recipient:task:put_off", error_kind=type(error).__name__)
            self._say(503)
            return
        self._say(204)

    def _say(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def is_genuine(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> bool:
    """Whether a webhook is of whoever has the secret, and of just now. Source: Standard Webhooks
    1.0.0."""
    try:
        sent = headers["webhook-timestamp"]
        if abs(now - int(sent)) > _TOLERANCE_S:
            return False
        signed = f"{headers['webhook-id']}.{sent}.".encode() + body
        given = headers["webhook-signature"].split()
    except (KeyError, ValueError):
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mine = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return any(hmac.compare_digest(mine, one.encode()) for one in given)


def answer_all(port: int, client: Mapping[str, str]) -> None:
    """Answers all that waits. Raises: OSError, HTTPException, ValueError, KeyError."""
    bearer = _bearer(port, client)
    for task in _waiting(port, bearer):
        _confirm(port, task["id"], bearer)


def confirm(port: int, client: Mapping[str, str], task_id: str) -> None:
    """Says of one task that it is done. Raises: OSError, HTTPException, ValueError, KeyError."""
    _confirm(port, task_id, _bearer(port, client))


_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _waiting(port: int, bearer: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = _call(port, "GET", _QUEUE + cursor, None, bearer)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = f"?cursor={page['next_cursor']}"


def _confirm(port: int, task_id: str, bearer: Mapping[str, str]) -> None:
    said = json.dumps({"outcome": "nothing_held"})
    _call(port, "POST", f"{_QUEUE}/{task_id}/confirm", said, {**bearer, **_JSON})


def _bearer(port: int, client: Mapping[str, str]) -> dict[str, str]:
    secret = f"{client['client_id']}:{client['client_secret']}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
    body = "grant_type=client_credentials"
    token = _call(port, "POST", "/oauth/token", body, basic | _FORM)["access_token"]
    return {"Authorization": f"Bearer {token}"}


def _call(
    port: int, method: str, path: str, body: str | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        said = reply.read()
    finally:
        connection.close()
    if reply.status >= 300:
        raise ValueError("the service refused")
    found: dict[str, Any] = json.loads(said)
    return found
