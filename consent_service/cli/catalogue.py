"""`consent catalogue`: what may be done with which data, and why."""

from pathlib import Path

import click
import yaml

from consent_service.catalogue import service
from consent_service.catalogue.versions import Outcome
from consent_service.cli.context import actor, running_app
from consent_service.cli.options import store_options
from consent_service.consents.service import count_to_ask_again
from consent_service.web.runtime import now


@click.group()
@store_options
def command() -> None:
    """Load or show the catalogue of purposes."""


@command.command()
@store_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what it would change.")
def load(file: Path, dry_run: bool) -> None:
    """Put the catalogue in FILE (YAML or JSON) in force. Faults are named with their lines."""
    text = file.read_bytes()
    with running_app(replayed=False):
        if dry_run:
            outcome = service.preview_catalogue(text, now(), count_to_ask_again)
        else:
            outcome = service.load_catalogue(text, actor(), now(), count_to_ask_again)
    _show_outcome(outcome, "would be" if dry_run else "is")


@command.command()
@store_options
def show() -> None:
    """Print the catalogue in force, as YAML."""
    with running_app(replayed=False):
        loaded = service.get_current()
    click.echo(f"# version {loaded.catalogue.version}, from {loaded.catalogue.recorded_from}")
    click.echo(yaml.safe_dump(dict(loaded.document), allow_unicode=True, sort_keys=False), nl=False)


def _show_outcome(outcome: Outcome, verb: str) -> None:
    if not outcome.changed:
        click.echo(f"Nothing changes: version {outcome.version} says the same.")
        return
    for place in outcome.difference:
        click.echo(f"  {place.change:<8} {place.pointer or '/'}")
    click.echo(f"Version {outcome.version} {verb} in force.")
    click.echo(f"Customers to ask again: {outcome.customers_to_ask_again}.")
