"""`consent import`: other systems' exports in."""

import json
import sys
from pathlib import Path

import click

from consent_service.catalogue.model import Channel
from consent_service.cli.context import actor, running_app
from consent_service.cli.options import store_options
from consent_service.imports import service
from consent_service.imports.model import ImportOptions, Summary
from consent_service.kernel.clock import utc_now
from consent_service.web.runtime import keys, now


@click.group()
@store_options
def command() -> None:
    """Bring in what another system knows of people and of their choices."""


@command.command()
@store_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--purpose", required=True, help="What the list was for.")
@click.option("--channel", required=True, type=click.Choice([channel.value for channel in Channel]))
@click.option("--touchpoint", required=True, help="Where the choices were made.")
@click.option("--notice-version", help="What was shown; else the version in use at each time.")
@click.option("--source", default="list_import", show_default=True, help="A data source.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, path_type=Path),
    help="List of refused rows; FILE.refused.csv in this directory unless named.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would come of it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def mailchimp(
    file: Path,
    purpose: str,
    channel: str,
    touchpoint: str,
    notice_version: str | None,
    source: str,
    refused: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import FILE, a list export in Mailchimp's layout (ZIP or one CSV).

    Running it again changes nothing; stopped midway, it is completed by running it again.
    """
    listed = refused or Path(f"{file.stem}.refused.csv")
    options = ImportOptions(
        purpose, Channel(channel), touchpoint, source, notice_version, listed, dry_run
    )
    with running_app(), _progress(file) as bar:
        summary = service.import_mailchimp(
            file, options, actor(), now(), keys(), bar.update, utc_now
        )
    _show_json(summary) if as_json else _show(summary)


def _progress(file: Path) -> "click._termui_impl.ProgressBar[int]":
    """A bar on a terminal; nothing is drawn, and nothing counted ahead, elsewhere."""
    drawn = sys.stderr.isatty()
    length = service.count_rows(file) if drawn else 0
    return click.progressbar(length=length, label="rows", hidden=not drawn, file=sys.stderr)


def _show_json(summary: Summary) -> None:
    told = {
        "dry_run": summary.dry_run,
        "read": dict(summary.read),
        "customers_created": summary.customers_created,
        "customers_completed": summary.customers_completed,
        "events": dict(summary.events),
        "suppressions": dict(summary.suppressions),
        "unchanged": summary.unchanged,
        "refused": dict(summary.refused),
        "refused_to": None if summary.refused_to is None else str(summary.refused_to),
        "phones_unreadable": summary.phones_unreadable,
        "phones_of_another": summary.phones_of_another,
        "seconds": round(summary.seconds, 3),
    }
    click.echo(json.dumps(told))


def _show(summary: Summary) -> None:
    read = sum(summary.read.values())
    speed = f", {read / summary.seconds:,.0f} a second" if summary.seconds else ""
    click.echo(f"{'Would have read' if summary.dry_run else 'Read'} {read:,} rows{speed}.")
    lines = [
        ("customers added", summary.customers_created),
        ("customers completed", summary.customers_completed),
        *((f"{kind} recorded", count) for kind, count in sorted(summary.events.items())),
        *((f"{why} suppressed", count) for why, count in sorted(summary.suppressions.items())),
        ("rows that change nothing", summary.unchanged),
        ("phones that cannot be read, left out", summary.phones_unreadable),
        ("phones of somebody else, left out", summary.phones_of_another),
        *((f"rows refused: {why}", count) for why, count in sorted(summary.refused.items())),
    ]
    for what, count in lines:
        click.echo(f"  {count:>9,}  {what}")
    if summary.refused_to is not None:
        click.echo(f"Refused rows are listed in {summary.refused_to}, by file and line.")
