"""How a command ends when something is wrong: a line on standard error and an exit status,
1 for what the service refuses, 2 for what is not set up."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from consent_service.kernel.errors import DomainError, MisconfiguredError


@contextmanager
def ending_well(ctx: click.Context) -> Iterator[None]:
    """Turns the errors that are meant for people into lines and exit statuses."""
    try:
        yield
    except MisconfiguredError as error:
        click.echo(f"error: {error}", err=True)
        ctx.exit(2)
    except DomainError as error:
        click.echo(f"error: {error.text}{_reason(error)}", err=True)
        for fault in error.errors:
            click.echo(f"  {fault.pointer or '/'}: {fault.detail}", err=True)
        ctx.exit(1)
    except KeyboardInterrupt:
        ctx.exit(130)


def _reason(error: DomainError) -> str:
    """What the database driver says, first line: it names the server and no value."""
    driver_says = getattr(error.__cause__, "orig", None)
    return "" if driver_says is None else f" ({str(driver_says).splitlines()[0]})"
