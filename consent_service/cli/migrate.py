"""`consent migrate`."""

import click

from consent_service.cli.context import running_app
from consent_service.cli.options import store_options
from consent_service.storage import migrated, migrations


@click.command()
@store_options
def command() -> None:
    """Bring the store's tables to this release. Does nothing when they are."""
    with running_app(migrated=False):
        migrations.migrate()
        click.echo(f"The store is at migration {migrated.head()}.")
