"""The demo's recipient: an e-mail service that looks into its queue, over the public API and as any
recipient would, and says that it has done what people asked for. It holds nothing of its own, so
that what it says is true."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import structlog

from consent_service.cli.stopping import on_stop

_HOST = "127.0.0.1"
_EVERY_S = 2.0
_QUEUE = "/v1/requests-for-me"

_log = structlog.get_logger("consent.sample_recipient")


def run(port: int, client: Mapping[str, str]) -> None:
    """Answers what comes in, until this process is told to stop."""
    stop = threading.Event()
    on_stop(stop.set)
    while not stop.wait(_EVERY_S):
        try:
            answer_all(port, client)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            _log.warning("sample_recipient:service:unreachable", error_kind=type(error).__name__)


def answer_all(port: int, client: Mapping[str, str]) -> int:
    """Answers all that waits; how many. Raises: OSError, HTTPException, ValueError, KeyError."""
    bearer = {"Authorization": f"Bearer {_token(port, client)}"}
    answered = 0
    for task in _waiting(port, bearer):
        path = f"{_QUEUE}/{task['id']}/confirm"
        _call(port, "POST", path, json.dumps({"outcome": "nothing_held"}), bearer | _JSON)
        answered += 1
    return answered


_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _waiting(port: int, bearer: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield from _call(port, "GET", _QUEUE, None, bearer)["items"]


def _token(port: int, client: Mapping[str, str]) -> str:
    secret = f"{client['client_id']}:{client['client_secret']}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
    body = "grant_type=client_credentials"
    return str(_call(port, "POST", "/oauth/token", body, basic | _FORM)["access_token"])


def _call(
    port: int, method: str, path: str, body: str | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    connection = HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request(method, path, body, dict(headers))
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()
