"""`consent quotas`: how many requests a minute a client may make."""

import click

from consent_service.cli.context import running_app
from consent_service.cli.listing import echo_lines
from consent_service.cli.options import store_options
from consent_service.kernel.errors import NotFound
from consent_service.oauth import service as oauth
from consent_service.web import throttling
from consent_service.web.throttling import ClientBudget

_BUDGETS = click.Choice([budget.value for budget in ClientBudget])


@click.group()
@store_options
def command() -> None:
    """Set, clear and list clients' quotas. Decisions have none unless one is set."""


@command.command("set")
@store_options
@click.argument("client")
@click.argument("budget", type=_BUDGETS)
@click.argument("per_minute", type=click.IntRange(min=1))
def set_(client: str, budget: str, per_minute: int) -> None:
    """Let CLIENT make PER_MINUTE requests of the kind BUDGET a minute."""
    with running_app():
        _check_client(client)
        throttling.set_quota(client, ClientBudget(budget), per_minute)
    click.echo(f"{client} may make {per_minute} {budget} a minute.")


@command.command()
@store_options
@click.argument("client")
@click.argument("budget", type=_BUDGETS)
def clear(client: str, budget: str) -> None:
    """Give CLIENT everybody's quota for BUDGET again."""
    with running_app():
        _check_client(client)
        throttling.set_quota(client, ClientBudget(budget), None)
    click.echo(f"{client} has the usual quota of {budget}.")


@command.command("list")
@store_options
def list_() -> None:
    """List the quotas that were set."""
    with running_app():
        found = throttling.list_quotas()
    echo_lines(
        f"{client:<20} {budget:<12} {per_minute}"
        for (client, budget), per_minute in sorted(found.items())
    )


def _check_client(client: str) -> None:
    if oauth.find_client(client) is None:
        raise NotFound("There is no client with this id.")
