"""`consent staff`: who signs in to work here."""

import json

import click

from consent_service.accounts import staff
from consent_service.accounts.model import NewLink, Role, Staff
from consent_service.cli.context import actor, running_app
from consent_service.cli.listing import echo_lines
from consent_service.cli.options import store_options
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys, now, runtime


@click.group()
@store_options
def command() -> None:
    """Create, list, reset and disable members of staff."""


@command.command()
@store_options
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="May be given again.",
)
@click.option("--email", help="Where letters to them go, such as what officers are reminded of.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(name: str, roles: tuple[str, ...], email: str | None, as_json: bool) -> None:
    """Create NAME and print the link with which they set password and code.

    The link works once, for 24 hours. Nobody has a password before that.
    """
    with running_app():
        with unit_of_work():
            made = staff.create_staff(name, roles, actor(), now(), keys())
            if email is not None:
                staff.set_email(name, email, actor(), now(), keys())
        _show_link(made, as_json)


@command.command()
@store_options
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reset(name: str, as_json: bool) -> None:
    """Take password and code from NAME, sign them out, and print a new link.

    For a lost password or phone; lets somebody who was disabled in again.
    """
    with running_app():
        made = staff.reset_staff(name, actor(), now(), keys())
        _show_link(made, as_json)


@command.command()
@store_options
@click.argument("name")
def disable(name: str) -> None:
    """Shut NAME out, from their next request on."""
    with running_app():
        staff.disable_staff(name, actor(), now())
    click.echo(f"{name} is disabled.")


@command.command()
@store_options
@click.argument("name")
@click.argument("address", required=False)
def email(name: str, address: str | None) -> None:
    """Set where letters to NAME go; without ADDRESS none go any more."""
    with running_app():
        staff.set_email(name, address, actor(), now(), keys())
    click.echo(f"{name} gets {'no ' if address is None else ''}letters.")


@command.command("list")
@store_options
def list_() -> None:
    """List all staff with their roles."""
    with running_app():
        found = staff.list_staff()
    echo_lines(map(_line, found))


def _show_link(made: NewLink, as_json: bool) -> None:
    link = f"{runtime().settings.base_url}/staff/enrol/{made.token}"
    if as_json:
        click.echo(json.dumps({"name": made.name, "link": link}))
        return
    click.echo(link)
    click.echo("It works once, for 24 hours, and is not shown again.", err=True)


def _line(member: Staff) -> str:
    standing = "disabled" if member.disabled_at else "active" if member.enrolled else "invited"
    seen = member.last_signed_in_at
    last = "never" if seen is None else seen.strftime("%Y-%m-%d %H:%M UTC")
    letters = "letters" if member.has_email else "-"
    roles = " ".join(sorted(member.roles))
    return f"{member.name:<24} {standing:<9} {last:<21} {letters:<8} {roles}"
