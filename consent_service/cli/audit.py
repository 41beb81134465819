"""`consent audit`: for auditors. Needs neither store nor keys, only a client of the service."""

import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from base64 import b64encode
from http.client import HTTPException
from pathlib import Path
from typing import Any

import click

from consent_service.cli.trusted import read_checkpoint, read_keys
from consent_service.ledger import notes, packs
from consent_service.ledger.notes import BadNote, Verifier
from consent_service.ledger.verify import Broken

_PATIENCE = 60
_LONGEST_NOTE = 1 << 20


def _checked_url(_: click.Context, __: click.Parameter, url: str) -> str:
    """An address, less the slash at its end. Raises: BadParameter."""
    try:
        parts = urllib.parse.urlsplit(url)
        speaks_http = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        speaks_http = False
    if not speaks_http:
        raise click.BadParameter("Give an address such as https://consent.example.org.")
    return url.rstrip("/")


@click.group()
def command() -> None:
    """Pull the log of a service, and check it, pack by pack."""


@command.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", required=True, metavar="URL", callback=_checked_url,
              help="The service's address.")  # fmt: skip
@click.option("--client", required=True, metavar="ID", help="A client with disclosures:read.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="The verifier key you were given; kept in DIRECTORY from then on.")  # fmt: skip
@click.option("--since-checkpoint", "since", metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Start from this checkpoint in place of the last one pulled.")  # fmt: skip
def pull(directory: Path, url: str, client: str, key: Path | None, since: Path | None) -> None:
    """Fetch what came to the log since the last pull into DIRECTORY, and check it.

    The client's secret is read from CONSENT_CLIENT_SECRET, or asked for. A pack is kept only when
    it holds, and the next pull goes on from its checkpoint.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kept = directory / "checkpoint"
    trusted = _trusted(directory / "key", key)
    start = since or (kept if kept.exists() else None)
    before = None if start is None else read_checkpoint(start, trusted)
    size = 0 if before is None else before.size
    service = _Service(url)
    try:
        newest = notes.open_checkpoint(service.fetch_checkpoint(), trusted)
    except BadNote as error:
        raise click.ClickException(f"The newest checkpoint: {error}.") from None
    if newest == before:
        click.echo(f"Nothing new: {size} leaves.")
        return
    if newest.size <= size:
        raise click.ClickException(
            f"The log is broken at leaf {newest.size}: a checkpoint of {size} leaves was pulled "
            f"before, and now there is another one of {newest.size}."
        )
    part = directory / "pack.part"
    service.fetch_pack(client, size, part)
    try:
        report = packs.verify_pack(part, trusted, before)
    except Broken as broken:
        raise click.ClickException(
            f"The log is broken at {broken}. The pack is {part}; nothing else was kept."
        ) from None
    with zipfile.ZipFile(part) as pack:
        note = pack.read("checkpoint")
    named = directory / f"log-{size}-{size + report.leaves}.zip"
    part.replace(named)
    _replace(kept, note)
    click.echo(f"The log is whole: {report.leaves} leaves more, {size + report.leaves} in all.")


def _trusted(kept: Path, given: Path | None) -> list[Verifier]:
    """The keys that were given, else those that were kept. The first to be given are kept."""
    if given is None and not kept.exists():
        raise click.UsageError("Give the verifier key once, with --key. Get it from the service's "
                               "people, not from the service alone.")  # fmt: skip
    found = read_keys(given or kept)
    if given is not None and not kept.exists():
        shutil.copyfile(given, kept)
    return found


class _Service:
    def __init__(self, url: str) -> None:
        self._url = url

    def fetch_checkpoint(self) -> str:
        """The newest signed note."""
        with self._open("/v1/log/checkpoint") as reply:
            return str(reply.read(_LONGEST_NOTE).decode("utf-8", "replace"))

    def fetch_pack(self, client: str, since: int, target: Path) -> None:
        """Writes a pack to a file."""
        shown = f"Bearer {self._fetch_token(client)}"
        with self._open(f"/v1/log/packs?since={since}", shown) as reply, target.open("wb") as file:
            shutil.copyfileobj(reply, file)

    def _fetch_token(self, client: str) -> str:
        secret = os.environ.get("CONSENT_CLIENT_SECRET") or click.prompt(
            "Secret of the client", hide_input=True, err=True
        )
        shown = b64encode(":".join(map(urllib.parse.quote_plus, (client, secret))).encode())
        form = urllib.parse.urlencode(
            {"grant_type": "client_credentials", "scope": "disclosures:read"}
        )
        with self._open("/oauth/token", f"Basic {shown.decode()}", form.encode()) as reply:
            return str(json.load(reply)["access_token"])

    def _open(self, path: str, authorization: str = "", body: bytes | None = None) -> Any:
        shown = {"Authorization": authorization} if authorization else {}
        asked = urllib.request.Request(self._url + path, body, shown)  # noqa: S310  # http or https
        try:
            return urllib.request.urlopen(asked, timeout=_PATIENCE)  # noqa: S310  # as above
        except urllib.error.HTTPError as error:
            with error:
                raise click.ClickException(
                    f"The service refused {path.partition('?')[0]} with {error.code}."
                ) from None
        except (OSError, ValueError, HTTPException) as error:
            raise click.ClickException(f"{self._url} does not answer: {error}") from None


def _replace(path: Path, content: bytes) -> None:
    """Puts a file in the place of another in one step."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
