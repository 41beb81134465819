"""`consent webhooks`: who is sent what changes."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.listing import echo_lines, items_of
from consent_service.cli.options import store_options
from consent_service.crypto.envelope import SealBroken
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import MisconfiguredError
from consent_service.web.runtime import keys, now, runtime
from consent_service.webhooks import service
from consent_service.webhooks.events import FAMILIES, TYPES
from consent_service.webhooks.model import (
    Delivery,
    DeliveryState,
    Webhook,
    delivery_id_text,
    parse_webhook_id,
    webhook_id_text,
)

_PAGE = 500
_TYPES = click.Choice([*FAMILIES, *TYPES])
_STATES = click.Choice([state.value for state in DeliveryState])


@click.group()
@store_options
def command() -> None:
    """Add, list, enable and delete webhooks; see and repeat what they were sent."""


@command.command()
@store_options
@click.argument("url")
@click.option("--client", "client_id", required=True, help="The client whose it is.")
@click.option("--type", "event_types", type=_TYPES, multiple=True, required=True, metavar="TYPE",
              help="What to send, such as consent.withdrawn or consent.*")  # fmt: skip
def add(url: str, client_id: str, event_types: tuple[str, ...]) -> None:
    """Send what happens from now on to URL. Prints the signing secret, this once."""
    with running_app():
        hosts = runtime().settings.private_hosts
        made, secret = service.add_webhook(
            url, event_types, client_id, actor(), now(), keys(), private_hosts=hosts
        )
    click.echo(f"webhook  {webhook_id_text(made.id)}\nsecret   {secret}")


@command.command("list")
@store_options
def list_() -> None:
    """List every webhook, and how it does."""
    with running_app():
        counts = service.count_deliveries()
        echo_lines(_line(each, counts) for each in service.list_webhooks())


@command.command()
@store_options
@click.argument("webhook_id")
@click.option("--state", type=_STATES)
def deliveries(webhook_id: str, state: str | None) -> None:
    """List what was, is or will be sent, the oldest first."""
    wanted = None if state is None else DeliveryState(state)
    of = parse_webhook_id(webhook_id)
    with running_app():
        found = items_of(lambda cursor: service.list_deliveries(of, wanted, cursor, _PAGE))
        echo_lines(map(_delivery_line, found))


@command.command()
@store_options
@click.argument("webhook_id")
def replay(webhook_id: str) -> None:
    """Send again what was given up."""
    with running_app():
        again = service.replay(parse_webhook_id(webhook_id), None, actor(), now())
    click.echo(f"{again} to be sent again.")


@command.command()
@store_options
@click.argument("webhook_id")
@click.option("--overlap-hours", type=click.IntRange(0, 24 * 30), default=24, show_default=True,
              help="So long the secret before signs as well.")  # fmt: skip
def rotate(webhook_id: str, overlap_hours: int) -> None:
    """Make a new signing secret. It is printed this once."""
    overlap = timedelta(hours=overlap_hours)
    with running_app():
        found = parse_webhook_id(webhook_id)
        secret = service.rotate_secret(found, overlap, actor(), now(), keys())
    click.echo(f"secret   {secret}")


@command.command()
@store_options
@click.argument("webhook_id")
def enable(webhook_id: str) -> None:
    """Send again to a webhook that answered 410."""
    with running_app():
        service.enable_webhook(parse_webhook_id(webhook_id), actor(), now())
    click.echo("It is enabled.")


@command.command()
@store_options
@click.argument("webhook_id")
def delete(webhook_id: str) -> None:
    """Delete a webhook, with what was still to be sent."""
    with running_app():
        service.delete_webhook(parse_webhook_id(webhook_id), actor(), now())
    click.echo("It is deleted.")


def _line(webhook: Webhook, counts: Mapping[tuple[UUID, str], int]) -> str:
    try:
        url = service.open_url(webhook, keys())
    except (SealBroken, MisconfiguredError):
        url = "(sealed under a key that is not here)"
    standing = "active"
    if webhook.disabled_at is not None:
        standing = "disabled"
    elif webhook.failures:
        standing = f"failed {webhook.failures} times in a row"
    parts = (
        f"{webhook_id_text(webhook.id)}  {webhook.client_id}  {url}",
        " ".join(webhook.event_types),
        standing,
        ", ".join(f"{counts.get((webhook.id, s.value), 0)} {s.value}" for s in DeliveryState),
    )
    return "  ".join(parts)


def _delivery_line(each: Delivery) -> str:
    line = f"{delivery_id_text(each.id)}  {rfc3339(each.created_at)}  {each.event_type:<28}"
    line += f"  {each.state.value:<9}  {each.tries} tries"
    if each.last_error is not None:
        line += f"  {each.last_status or '-'}: {each.last_error}"
    if each.state is DeliveryState.WAITING:
        line += f"  next {rfc3339(each.due_at)}"
    return line
