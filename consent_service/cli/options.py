"""Which store a command works on: `--data-dir` or `--database-url`, on the group or on the
command, else the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., object])

DATA_DIR = "consent.data_dir"
DATABASE_URL = "consent.database_url"


def store_options(command: Decorated) -> Decorated:
    """Adds the two options. What is given lands in the context's `meta`, where a command's
    own takes the place of the group's."""
    database_url = click.option(
        "--database-url",
        metavar="URL",
        expose_value=False,
        callback=_keep(DATABASE_URL),
        help="The PostgreSQL database [CONSENT_DATABASE_URL].",
    )
    return data_dir_option(database_url(command))


def data_dir_option(command: Decorated) -> Decorated:
    """Adds the first of them."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        expose_value=False,
        callback=_keep(DATA_DIR),
        help="One directory with the SQLite file and the keys [CONSENT_DATA_DIR].",
    )(command)


def _keep(key: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value is not None:
            ctx.meta[key] = value

    return keep
