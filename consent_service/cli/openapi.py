"""`consent openapi`."""

import click

from consent_service import openapi
from consent_service.cli.options import store_options


@click.command()
@store_options
def command() -> None:
    """Print the OpenAPI document, as it is committed in openapi.yaml."""
    click.echo(openapi.document_text(), nl=False)
