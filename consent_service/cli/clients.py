"""`consent clients`: who may call the API."""

import json
from datetime import timedelta

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.options import store_options
from consent_service.oauth import service
from consent_service.oauth.model import Client, NewSecret
from consent_service.web.runtime import now


@click.group()
@store_options
def command() -> None:
    """Create, list and disable API clients; rotate their secrets."""


@command.command()
@store_options
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="May be given again.")
@click.option("--recipient", "recipients", multiple=True, help="Whom it asks for; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(name: str, scopes: tuple[str, ...], recipients: tuple[str, ...], as_json: bool) -> None:
    """Create the client NAME and print its secret, this once.

    A client that checks decisions names the recipients it asks for, the usual one first.
    """
    wanted = frozenset(scope for given in scopes for scope in given.split())
    with running_app():
        made = service.create_client(name, name, wanted, recipients, actor(), now())
    _show_secret(made, as_json)


@command.command("list")
@store_options
def list_() -> None:
    """List every client with its scopes and recipients."""
    with running_app():
        clients = service.list_clients()
    for client in clients:
        click.echo(_line(client))


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


def _show_secret(made: NewSecret, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"client_id": made.client_id, "client_secret": made.secret}))
        return
    click.echo(f"client_id      {made.client_id}\nclient_secret  {made.secret}")
    click.echo("Keep the secret now: it is not shown again.", err=True)


def _line(client: Client) -> str:
    standing = "active" if client.disabled_at is None else "disabled"
    asks_for = ",".join(client.recipients) or "-"
    return f"{client.id:<20} {standing:<9} {asks_for:<20} {' '.join(sorted(client.scopes))}"
