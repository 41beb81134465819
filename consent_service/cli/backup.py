"""`consent backup`: the store as it is at one moment, in a directory."""

from pathlib import Path

import click

from consent_service.cli.context import running_app
from consent_service.cli.default import DefaultGroup
from consent_service.cli.options import store_options
from consent_service.operations import backing_up
from consent_service.operations.model import ERASED, KEYS, ROWS
from consent_service.web.runtime import keys, now

_PATH = click.Path(dir_okay=False, path_type=Path)
_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=DefaultGroup, default="make")
@store_options
def command() -> None:
    """Back the store up: `consent backup DIR`, while the service runs."""


@command.command()
@store_options
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def make(directory: Path) -> None:
    """Back the store up into DIR, which must not be there yet. The same as `consent backup DIR`.

    Move keys.txt and erased.txt elsewhere than rows.zip: see docs/operations.md.
    """
    with running_app(replayed=False):
        made = backing_up.take_backup(directory.absolute(), now(), keys())
    rows = sum(table.rows for table in made.tables.values())
    leaves = 0 if made.log is None else made.log.size
    click.echo(f"{directory}: {rows} rows, a log of {leaves} leaves.")
    click.echo(f"Keep {KEYS} elsewhere than {ROWS}, and {ERASED} longer than both.")


@command.command("erased")
@store_options
@click.argument("file", type=_PATH)
def erased_(file: Path) -> None:
    """Write the list of the erased, as it is now, to FILE: it is what keeps backups from bringing
    people back."""
    with running_app(replayed=False):
        count = backing_up.export_erased(file.absolute(), now(), keys())
    click.echo(f"{file}: {count} ids.")


@command.command("prune-keys")
@store_options
@click.option("--erased", type=_THERE, metavar="LIST", help="The list of the erased; the store's "
              "own unless given.")  # fmt: skip
@click.argument("files", metavar="KEYS...", nargs=-1, required=True, type=_THERE)
def prune_keys(erased: Path | None, files: tuple[Path, ...]) -> None:
    """Take the keys of the erased out of files of keys that are kept. What a backup has of them
    then cannot be opened any more, by anybody."""
    with running_app(migrated=erased is None, replayed=False):
        for file in files:
            gone = backing_up.prune_keys(file.absolute(), erased, keys())
            click.echo(f"{file}: {gone} keys taken out.")
