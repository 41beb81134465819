"""`consent clients`: who may call the API."""

import json
from datetime import timedelta
from typing import BinaryIO

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.listing import echo_lines
from consent_service.cli.options import store_options
from consent_service.kernel.clock import rfc3339
from consent_service.oauth import service
from consent_service.oauth.client_keys import checked_jwks
from consent_service.oauth.model import Client, ClientChanges, ClientKind, NewSecret
from consent_service.web.runtime import now


@click.group()
@store_options
def command() -> None:
    """Create, list, disable and delete API clients; rotate their secrets."""


@command.command()
@store_options
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="May be given again.")
@click.option("--recipient", "recipients", multiple=True, help="Whom it asks for; may be repeated.")
@click.option("--title", help="What customers read, for an app; NAME if left out.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    help="Makes it an app that acts for customers: where they are led back to. May be repeated.",
)
@click.option(
    "--jwks",
    "key_file",
    type=click.File("rb"),
    help="Public keys (RFC 7517, JSON): it signs assertions and gets no secret.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(
    name: str,
    scopes: tuple[str, ...],
    recipients: tuple[str, ...],
    title: str | None,
    redirect_uris: tuple[str, ...],
    key_file: BinaryIO | None,
    as_json: bool,
) -> None:
    """Create the client NAME and print its secret, this once.

    A client that checks decisions names the recipients it asks for, the usual one first.
    """
    wanted = frozenset(scope for given in scopes for scope in given.split())
    with running_app():
        made = service.create_client(
            name,
            title or name,
            wanted,
            recipients,
            actor(),
            now(),
            kind=ClientKind.APP if redirect_uris else ClientKind.SERVICE,
            redirect_uris=redirect_uris,
            jwks=None if key_file is None else _read_keys(key_file),
        )
    _show_secret(made, as_json)


@command.command("list")
@store_options
def list_() -> None:
    """List every client with its scopes and recipients."""
    with running_app():
        clients = service.list_clients()
    echo_lines(map(_line, clients))


@command.command()
@store_options
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="How long the old secrets still work.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rotate_secret(name: str, overlap_hours: int, as_json: bool) -> None:
    """Give the client NAME a new secret and print it, this once."""
    with running_app():
        made = service.rotate_secret(name, timedelta(hours=overlap_hours), actor(), now())
    _show_secret(made, as_json)


@command.command()
@store_options
@click.argument("name")
def disable(name: str) -> None:
    """Disable the client NAME. Its tokens are dead at the next request."""
    with running_app():
        service.disable_client(name, actor(), now())
    click.echo(f"{name} is disabled.")


@command.command()
@store_options
@click.argument("name")
def enable(name: str) -> None:
    """Let the client NAME in again, with the secrets it has. In doubt, rotate those too."""
    with running_app():
        service.change_client(name, ClientChanges(disabled=False), actor(), now())
    click.echo(f"{name} is enabled.")


@command.command()
@store_options
@click.argument("name")
def delete(name: str) -> None:
    """Delete the client NAME, its secrets and its tokens; what customers allowed it ends."""
    with running_app():
        service.delete_client(name, actor(), now())
    click.echo(f"{name} is deleted.")


def _read_keys(file: BinaryIO) -> str:
    try:
        given = json.load(file)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise click.BadParameter("not a JSON object", param_hint="--jwks")
    return checked_jwks(given)


def _show_secret(made: NewSecret, as_json: bool) -> None:
    if not made.secret:
        shown = json.dumps({"client_id": made.client_id}) if as_json else made.client_id
        click.echo(shown)
        return
    if as_json:
        click.echo(json.dumps({"client_id": made.client_id, "client_secret": made.secret}))
        return
    click.echo(f"client_id      {made.client_id}\nclient_secret  {made.secret}")
    click.echo("Keep the secret now: it is not shown again.", err=True)


def _line(client: Client) -> str:
    standing = "active" if client.disabled_at is None else "disabled"
    asks_for = ",".join(client.recipients) or "-"
    scopes = " ".join(sorted(client.scopes))
    used = client.last_used_at
    last = "never used" if used is None else f"last used {rfc3339(used)}"
    return f"{client.id:<20} {standing:<9} {asks_for:<20} {scopes}  ({last})"
