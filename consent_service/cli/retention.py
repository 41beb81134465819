"""`consent retention`: what the worker lets go, by the catalogue."""

import click

from consent_service.catalogue import service as catalogues
from consent_service.cli.context import running_app
from consent_service.cli.options import store_options
from consent_service.ledger import service as ledger
from consent_service.profile_retention.model import categories_of_fields


@click.group()
@store_options
def command() -> None:
    """Show how long what is kept, and what was let go."""


@command.command()
@store_options
def status() -> None:
    """List how long entries of the log, proofs of consent and fields of profiles are kept, and how
    much of each kind the log says was removed."""
    with running_app(replayed=False):
        catalogue = catalogues.current()
        removed = ledger.count_removed()
    for kind, days in sorted(catalogue.log_retention_days.items()):
        click.echo(f"{'log: ' + kind.value:<40} {days:>6} days")
    for purpose in catalogue.purposes.values():
        days = purpose.proof_retention_days
        click.echo(f"{'ended consent: ' + purpose.key:<40} {days:>6} days")
    for field, categories in sorted(categories_of_fields(catalogue).items()):
        needed = ", ".join(sorted(categories))
        click.echo(f"{'profile: ' + field:<40} while a purpose needs {needed}")
    click.echo(f"{'profile: other fields, identifiers':<40} while the customer is one")
    for what, count in sorted(removed.items()):
        click.echo(f"{'removed: ' + what:<40} {count:>6}")
    if not removed:
        click.echo("Nothing was removed yet.")
