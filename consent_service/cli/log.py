"""`consent log`: what auditors are given, and how they check it."""

from pathlib import Path

import click

from consent_service.cli.context import running_app
from consent_service.cli.options import store_options
from consent_service.cli.trusted import read_checkpoint, read_keys
from consent_service.ledger import packs, renaming
from consent_service.ledger.notes import Verifier
from consent_service.ledger.verify import Broken, Report, verify_store
from consent_service.screenings.verify import verify_screenings
from consent_service.web.runtime import keys, now, runtime

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
@store_options
def command() -> None:
    """Check the log, and pack evidence for auditors."""


@command.command()
@store_options
@click.option("--since", type=click.IntRange(0), default=0, show_default=True, metavar="SIZE",
              help="Start where the log had so many leaves.")  # fmt: skip
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def pack(since: int, file: Path) -> None:
    """Write an evidence pack to FILE: leaves, checkpoint, key, and how to check them."""
    with running_app(replayed=False):
        trusted = _our_keys()
        try:
            with file.open("xb") as target:
                signed = packs.write_pack(target, since, trusted)
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from None
    click.echo(f"{signed.size - since} leaves, up to the checkpoint of {signed.size}: {file}")


@command.command()
@store_options
def key() -> None:
    """Print the public keys that sign checkpoints, a line each, for auditors to keep."""
    with running_app(replayed=False):
        found = _our_keys()
    for verifier in found:
        click.echo(verifier)


@command.command()
@store_options
@click.option("--file", type=_FILE, metavar="PACK", help="Check a pack, offline.")
@click.option("--key", type=_FILE, metavar="KEY", help="Verifier keys, a line each; for --file.")
@click.option("--since", type=_FILE, metavar="CHECKPOINT", multiple=True,
              help="A checkpoint that was kept. May be given again, for the store.")  # fmt: skip
@click.option("--witnessed", type=_FILE, metavar="CHECKPOINT", multiple=True,
              help="A checkpoint that a witness kept. May be given again.")  # fmt: skip
def verify(
    file: Path | None, key: Path | None, since: tuple[Path, ...], witnessed: tuple[Path, ...]
) -> None:
    """Replay the log and name the first leaf that is not what was sealed.

    Without --file that is the whole store: entries against leaves, leaves against tiles, all of
    it against what was signed and what witnesses co-signed. With --file and --key it is a pack,
    and needs nothing else.
    """
    try:
        if file is None:
            with running_app(replayed=False):
                trusted = _our_keys() if key is None else read_keys(key)
                kept = [read_checkpoint(path, trusted) for path in since]
                shown = [read_checkpoint(path, trusted) for path in witnessed]
                report = verify_store(trusted, kept, now(), shown)
                verify_screenings()
        else:
            report = _verify_file(file, key, since, witnessed)
    except Broken as broken:
        raise click.ClickException(f"The log is broken at {broken}.") from None
    click.echo(
        f"The log is whole: {report.leaves} leaves, {report.checkpoints} checkpoints"
        + (f", {report.erased} whose entry was erased or let go" if report.erased else "")
        + (f", {report.confirmed} confirmations of witnesses" if report.confirmed else "")
        + "."
    )
    for path in witnessed:
        click.echo(f"It is the log that {path} is of.")


def _verify_file(
    file: Path, key: Path | None, since: tuple[Path, ...], witnessed: tuple[Path, ...]
) -> Report:
    if key is None:
        raise click.UsageError("--file needs --key: the key in a pack proves nothing about it.")
    if len(since) > 1:
        raise click.UsageError("--file takes one --since: the checkpoint the pack starts from.")
    trusted = read_keys(key)
    kept = [read_checkpoint(path, trusted) for path in since]
    shown = [read_checkpoint(path, trusted) for path in witnessed]
    return packs.verify_pack(file, trusted, kept[0] if kept else None, shown)


def _our_keys() -> list[Verifier]:
    return renaming.verifiers_of_all(keys(), runtime().settings.base_url)
