"""`consent restore`: a backup put back, and what happened since done again."""

from pathlib import Path

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.default import DefaultGroup
from consent_service.cli.options import store_options
from consent_service.cli.trusted import read_checkpoint
from consent_service.kernel.clock import parse_rfc3339, rfc3339
from consent_service.kernel.errors import Invalid
from consent_service.ledger import log_keys, renaming
from consent_service.ledger.notes import Checkpoint
from consent_service.operations import marking, replaying, restoring
from consent_service.operations.model import Manifest
from consent_service.web.runtime import keys, now, runtime

_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_erased = click.option("--erased", type=_THERE, multiple=True, metavar="LIST",
                       help="A list of the erased, newer than the backup.")  # fmt: skip


@click.group(cls=DefaultGroup, default="load")
@store_options
def command() -> None:
    """Put a backup back: `consent restore DIR`, then `consent restore finish`."""


@command.command()
@store_options
@click.option("--keys", "keys_file", type=_THERE, metavar="KEYS", help="Where keys.txt is kept.")
@_erased
@click.option("--since", type=_THERE, multiple=True, metavar="CHECKPOINT",
              help="A checkpoint of the log that was kept.")  # fmt: skip
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
def load(
    directory: Path, keys_file: Path | None, erased: tuple[Path, ...], since: tuple[Path, ...]
) -> None:
    """Put the backup in DIR into an empty store. The same as `consent restore DIR`.

    The service then refuses to answer until `consent restore finish`.
    """
    with running_app(migrated=False):
        manifest = restoring.read_manifest(directory, keys())
        known = [_checkpoint(path, manifest) for path in since]
        base_url = runtime().settings.base_url
        done = restoring.restore(
            directory, keys_file, erased, known, base_url, actor(), now(), keys()
        )
        name = renaming.list_names(base_url)[0]
    click.echo(f"Put back as of {rfc3339(done.made_at)}, with {done.log_size} leaves of the log.")
    for one in known:
        if one.size > done.log_size:
            lost = one.size - done.log_size
            click.echo(f"The log had {one.size} leaves once: at least {lost} are lost.")
    click.echo(f"The log goes on as {name}. Give auditors and witnesses that name's key.")
    click.echo("Nothing is answered until `consent restore finish`.")


@command.command()
@store_options
@_erased
@click.option("--journal", type=_DIRECTORY, metavar="DIR", help="The journal "
              "[CONSENT_JOURNAL_DIR].")  # fmt: skip
@click.option("--nothing-to-replay", is_flag=True, help="I know that, besides what is given here, "
              "nobody was erased or said no since. Logged with your name.")  # fmt: skip
@click.option("--access-unchanged", is_flag=True, help="I know that no client and nobody of staff "
              "lost a right, a secret or a password since. Logged with your name.")  # fmt: skip
def finish(
    erased: tuple[Path, ...], journal: Path | None, nothing_to_replay: bool, access_unchanged: bool
) -> None:
    """Do again what happened since the backup, and let the service answer.

    Clients and staff have what they had when the journal ends. Where it does not tell, all are
    disabled, unless --access-unchanged.
    """
    with running_app(replayed=False):
        settings = runtime().settings
        done = replaying.finish(
            erased,
            journal or settings.journal_dir,
            nothing_to_replay,
            access_unchanged,
            settings.base_url,
            actor(),
            now(),
            keys(),
        )
    click.echo(
        f"Done again: {done.erased} erasures, {done.noes} times a no, {done.marks} marks, "
        f"{done.merges} merges, {done.restrictions} restrictions, {done.grants} apps ended. "
        f"{done.nobody} lines were about nobody who is here."
    )
    for name in done.held:
        click.echo(f"Has fewer rights than in the backup, or was disabled: {name}")
    for request in done.requests:
        click.echo(f"Lost, and to be asked about: {request}")
    if done.until is not None:
        click.echo(f"The journal tells all until {rfc3339(done.until)}.")
    click.echo("The service answers again.")
    if done.shut:
        click.echo("Nothing tells who lost a right since: every client and all staff are disabled.")
        click.echo("Let them in one by one: `consent clients enable`, `consent staff reset`.")


@command.command()
@store_options
@click.option("--as-of", required=True, metavar="TIME", help="When the copy was made, RFC 3339.")
def begin(as_of: str) -> None:
    """Say that the store was put back by other means, such as pg_restore or a snapshot of disks.

    The service then refuses to answer until `consent restore finish`.
    """
    try:
        made_at = parse_rfc3339(as_of)
    except ValueError:
        raise Invalid("--as-of: this is no time as RFC 3339 writes it.") from None
    with running_app(replayed=False):
        marking.mark(made_at, runtime().settings.base_url, actor(), now())
    click.echo("Nothing is answered until `consent restore finish`.")


@command.command()
@store_options
def status() -> None:
    """List every time the store was put back."""
    with running_app(replayed=False):
        for one in replaying.list_restores():
            ended = "OPEN" if one.finished_at is None else f"finished {rfc3339(one.finished_at)}"
            click.echo(f"{rfc3339(one.restored_at)}  as of {rfc3339(one.made_at)}  {ended}")


def _checkpoint(path: Path, manifest: Manifest) -> Checkpoint:
    if manifest.log is None:
        raise Invalid("The backup has no log to hold a checkpoint against.")
    return read_checkpoint(path, log_keys.verifiers(keys(), manifest.log.origin))
