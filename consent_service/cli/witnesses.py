"""`consent witnesses`: who outside keeps checkpoints of the log."""

from datetime import timedelta
from pathlib import Path

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.listing import echo_lines
from consent_service.cli.options import store_options
from consent_service.crypto.envelope import SealBroken
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, MisconfiguredError
from consent_service.web.runtime import keys, now
from consent_service.witnesses import jobs, sending, service
from consent_service.witnesses.model import EVERY, Kind, Witness

_MINUTES = int(EVERY.total_seconds()) // 60


@click.group()
@store_options
def command() -> None:
    """Add, list and disable witnesses; send them checkpoints, take in co-signatures."""


@command.command()
@store_options
@click.argument("name")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("target")
@click.option("--key", "verifier", metavar="VKEY",
              help="The verifier key of its co-signatures (C2SP, Ed25519).")  # fmt: skip
@click.option("--every", type=click.IntRange(1, 7 * 24 * 60), default=_MINUTES, metavar="MINUTES",
              show_default=True, help="So long after the last one at least.")  # fmt: skip
@click.option("--private", is_flag=True, help="A webhook may be at a private address.")
def add(name: str, kind: str, target: str, verifier: str | None, every: int, private: bool) -> None:
    """Send checkpoints to NAME from now on, at TARGET.

    TARGET is an e-mail address, a directory, or a URL. A URL with --key is the submission prefix
    of a witness that speaks C2SP's tlog-witness; without, the note is posted there as it is.
    """
    with running_app(replayed=False):
        service.add_witness(
            name,
            Kind(kind),
            target,
            actor(),
            now(),
            keys(),
            verifier=verifier,
            every=timedelta(minutes=every),
            private=private,
        )
    click.echo(f"{name} is sent checkpoints.")


@command.command("list")
@store_options
def list_() -> None:
    """List every witness: what it has, and what went wrong last."""
    with running_app(replayed=False):
        echo_lines(map(_line, service.list_witnesses()))


@command.command()
@store_options
@click.argument("name")
def disable(name: str) -> None:
    """Send NAME nothing more. What it co-signed stays."""
    with running_app(replayed=False):
        service.disable_witness(name, actor(), now())
    click.echo(f"{name} is disabled.")


@command.command()
@store_options
@click.argument("name", required=False)
@click.pass_context
def send(ctx: click.Context, name: str | None) -> None:
    """Send the newest checkpoint now, to all or to NAME, unless they have it."""
    with running_app(replayed=False):
        found = sending.send_now(name, now(), keys(), can_mail=jobs.can_mail())
    for each in found:
        click.echo(f"{each.witness:<20} {each.size} leaves: {each.error or 'sent'}")
    if not found:
        click.echo("Nobody is behind, or a worker is sending right now.")
    if any(each.error for each in found):
        ctx.exit(1)


@command.command()
@store_options
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def record(name: str, file: Path) -> None:
    """Take in a checkpoint that NAME co-signed, from FILE."""
    try:
        note = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{file}: is not text.") from None
    with running_app(replayed=False):
        size, at = service.record_cosignature(name, note, keys())
    click.echo(f"{name} co-signed {size} leaves at {rfc3339(at)}.")


def _line(witness: Witness) -> str:
    try:
        target = service.open_target(witness, keys())
    except (SealBroken, MisconfiguredError):
        target = "(sealed under a key that is not here)"
    standing = "active" if witness.disabled_at is None else "disabled"
    minutes = int(witness.every.total_seconds()) // 60
    sent = "nothing sent"
    if witness.sent_at is not None:
        sent = f"has {witness.sent_size} leaves since {rfc3339(witness.sent_at)}"
    line = (
        f"{witness.name:<20} {witness.kind:<8} {standing:<9} every {minutes} min  {target}  {sent}"
    )
    if witness.last_error is not None:
        again = f"{witness.failed_tries} in a row, again at {rfc3339(witness.due_at)}"
        line += f"\n  failed: {witness.last_error} ({again})"
    return line
