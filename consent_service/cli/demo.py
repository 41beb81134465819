"""`consent demo`: the service on this machine, with sample people, to try it out."""

import json
import shlex
import sys
import time
from collections.abc import Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from consent_service import wsgi
from consent_service.cli import sample
from consent_service.cli.options import DATA_DIR, data_dir_option
from consent_service.cli.ports import reserved_port
from consent_service.cli.sample import NEWSLETTER, Sample
from consent_service.cli.sample_recipient import HOST, Recipient
from consent_service.cli.serve import supervised
from consent_service.cli.supervisor import Child
from consent_service.config import Environment, Settings, load_settings
from consent_service.kernel.errors import Unavailable

_READY_WITHIN = 60.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@click.command()
@data_dir_option
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object once it is ready.")
def command(port: int, as_json: bool) -> None:
    """Try it out here, with a sample catalogue and sample people.

    Everything is kept in the data directory, `instance` unless named; the next demo goes on
    with it. What CONSENT_... variables say plays no part. Ctrl-C ends it.
    """
    settings = _settings(port)
    with reserved_port(HOST, port, "name another one by --port"):
        click.echo(f"Preparing {settings.data_dir} ...", err=True)
        recipient = Recipient()
        found = sample.prepare(settings, recipient.url)
        told = [(found.clients[name], secret) for name, secret in found.webhook_secrets.items()]
        run = partial(recipient.run, port, told)
        app = wsgi.application(settings)
        with recipient, supervised(settings, app, Child("recipient", run)) as supervisor:
            if supervisor.wait_until(_Ready(port)):
                say = _say_json if as_json else _say_text
                say(settings.base_url, found, port)
                supervisor.wait()
    sys.exit(0 if supervisor.stopped_in_time else 1)


def _settings(port: int) -> Settings:
    """The same server as in production, with nothing of a production's environment."""
    return load_settings(
        without=frozenset({"database_url", "key_file", "keyring"}),
        environment=Environment.DEMO,
        data_dir=click.get_current_context().meta.get(DATA_DIR, Path("instance")),
        base_url=f"http://{HOST}:{port}",
        host=HOST,
        port=port,
        workers=2,
        threads=4,
        trusted_proxies=0,
        webhook_private_hosts=HOST,
    )


class _Ready:
    """Whether the server answers that it is. Raises: Unavailable when that takes too long."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._until = time.monotonic() + _READY_WITHIN

    def __call__(self) -> bool:
        if time.monotonic() > self._until:
            raise Unavailable("The server did not become ready.")
        try:
            return _ask(self._port, "GET", "/readyz")[0] == 200
        except (OSError, HTTPException):
            return False


def _ask(
    port: int, method: str, path: str, body: str | None = None, headers: Mapping[str, str] = {}
) -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def _fetch_token(port: int, client: Mapping[str, str]) -> str:
    form = {"grant_type": "client_credentials", **client}
    status, body = _ask(port, "POST", "/oauth/token", urlencode(form), _FORM)
    if status != 200:
        raise Unavailable("The server gave no token.")
    return str(json.loads(body)["access_token"])


def _say_json(base_url: str, found: Sample, port: int) -> None:
    told = {
        "base_url": base_url,
        "token_url": f"{base_url}/oauth/token",
        "clients": found.clients,
        "customers": [{"id": who, "email": email} for who, email in found.customers],
        "purposes": found.purposes,
        "notice_version": found.notice_version,
        "sign_in": dict(found.sign_in),
    }
    click.echo(json.dumps(told, ensure_ascii=False))


def _say_text(base_url: str, found: Sample, port: int) -> None:
    campaigns = found.clients["campaigns"]
    token = _fetch_token(port, campaigns)
    customer, email = found.customers[0]
    by_email = {"identifier": {"type": "email", "value": email}, "purpose": NEWSLETTER}
    by_id = {"customer_id": customer, "purpose": NEWSLETTER}
    click.echo(
        f"""
The service is at {base_url}, with {len(found.purposes)} purposes.

  the API, to read and try   {base_url}/docs
  the public keys            {base_url}/oauth/jwks.json
  what data is used for      {base_url}/privacy
  a customer's own pages     {found.sign_in["customer"]}
  letters that were sent     {base_url}/demo/mailbox

May we send {email} the newsletter? Ask, by address and by id:

{_curl(base_url, token, by_email)}

{_curl(base_url, token, by_id)}

The token lives ten minutes. Another one:

  curl -s -u {campaigns["client_id"]}:{campaigns["client_secret"]} \\
    -d grant_type=client_credentials {base_url}/oauth/token

Clients and their secrets are in demo-clients.json of the data directory. Ctrl-C ends the demo.
"""
    )


def _curl(base_url: str, token: str, body: Any) -> str:
    return (
        f"  curl -s -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n"
        f"    -d {shlex.quote(json.dumps(body))} {base_url}/v1/decisions"
    )
