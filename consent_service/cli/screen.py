"""`consent screen`: may these data be used for everybody in a file?"""

import json
import sys
from pathlib import Path

import click
import msgspec

from consent_service.catalogue.model import Channel
from consent_service.cli.context import actor, running_app
from consent_service.cli.options import store_options
from consent_service.decisions.model import Question
from consent_service.screenings.files import screen_file
from consent_service.screenings.model import Column, FormKind, Request, Summary
from consent_service.web.runtime import keys, now

_FORMS = {"ndjson": FormKind.NDJSON, "csv": FormKind.CSV, "parquet": FormKind.PARQUET}
_SUFFIXES = {"." + name: form for name, form in _FORMS.items()} | {".jsonl": FormKind.NDJSON}
_NAMED = "cli:"  # no client of the API has a colon in its id
_LONGEST_CLIENT_ID = 64


@click.command()
@store_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--purpose", required=True, help="What the data are to be used for.")
@click.option("--channel", type=click.Choice([channel.value for channel in Channel]))
@click.option("--recipient", required=True, help="Who is to use them, as the catalogue says.")
@click.option("--data-category", "categories", multiple=True, help="Which; else all declared.")
@click.option(
    "--column",
    type=click.Choice([column.value for column in Column]),
    help="Which column names people, where several could.",
)
@click.option("--campaign", help="Kept with the screening.")
@click.option("--touchpoint", help="Where it is to be used, as the catalogue says.")
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the permitted rows go; else beside FILE, with `.permitted` in the name.",
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@click.option("--form", type=click.Choice(list(_FORMS)), help="What FILE is; else by its name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: Path,
    purpose: str,
    channel: str | None,
    recipient: str,
    categories: tuple[str, ...],
    column: str | None,
    campaign: str | None,
    touchpoint: str | None,
    target: Path | None,
    force: bool,
    form: str | None,
    as_json: bool,
) -> None:
    """Ask about everybody in FILE, and write the rows of those who are permitted.

    FILE is NDJSON, CSV or Parquet. It is one entry of the log, written before the rows are.
    """
    context = {"campaign": campaign, "touchpoint": touchpoint}
    asked = Request(
        Question(
            purpose, None if channel is None else Channel(channel), categories or None, recipient
        ),
        {name: text for name, text in context.items() if text is not None},
        _form_of(file, form),
        None if column is None else Column(column),
    )
    goes_to = target or file.with_name(f"{file.stem}.permitted{file.suffix}")
    client_id = f"{_NAMED}{actor().id}"[:_LONGEST_CLIENT_ID]
    try:
        with running_app(), _progress(file) as bar:
            summary = screen_file(
                file, goes_to, asked, client_id, now(), keys(), bar.update, replace=force
            )
    except OSError as error:
        raise click.ClickException(f"{error.filename or file}: {error.strerror}") from None
    _show_json(summary, goes_to) if as_json else _show(summary, goes_to)


def _form_of(file: Path, named: str | None) -> FormKind:
    form = _SUFFIXES.get(file.suffix.lower()) if named is None else _FORMS[named]
    if form is None:
        raise click.UsageError(f"Say by --form what {file.name} is: {', '.join(_FORMS)}.")
    return form


def _progress(file: Path) -> "click._termui_impl.ProgressBar[int]":
    """A bar over the bytes read, on a terminal; nothing is drawn elsewhere."""
    length, drawn = file.stat().st_size, sys.stderr.isatty()
    return click.progressbar(length=length, label="bytes", hidden=not drawn, file=sys.stderr)


def _show_json(summary: Summary, target: Path) -> None:
    click.echo(json.dumps({**msgspec.to_builtins(summary), "permitted_to": str(target)}))


def _show(summary: Summary, target: Path) -> None:
    click.echo(f"Screened {summary.rows:,} rows, {summary.permitted:,} permitted.")
    lines = [
        *((reason, count) for reason, count in summary.reasons.items()),
        *((f"rows that name nobody: {why}", count) for why, count in summary.unusable.items()),
    ]
    for what, count in lines:
        click.echo(f"  {count:>9,}  {what}")
    click.echo(f"The permitted are in {target}, good until {summary.valid_until}.")
    click.echo(f"The log has it as {summary.screening_id}.")
