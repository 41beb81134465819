"""An audience that is a file on this machine, and those of it who are permitted as another.

What is permitted waits beside its place under another name, and is moved there when the screening
is logged: a file of that name is whole, and one entry of the log says how it came about.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.decisions.model import CAMPAIGN_PATTERN
from consent_service.kernel.errors import Conflict, Invalid
from consent_service.screenings.judging import catalogue_for, judge_audience
from consent_service.screenings.lanes import Progress
from consent_service.screenings.model import Request, Summary
from consent_service.screenings.service import conclude, record_screening

_PIECE = 1 << 18
_CAMPAIGN = re.compile(f"(?=.{{1,64}}$){CAMPAIGN_PATTERN}")


def screen_file(
    source: Path,
    target: Path,
    asked: Request,
    client_id: str,
    now: datetime,
    keys: Keyring,
    progress: Progress = lambda _: None,
    *,
    replace: bool = False,
) -> Summary:
    """Asks about everybody in a file and writes the permitted rows, and nothing else, to another
    of mode 0600. `progress` is told how many bytes more are read. When this raises, the target is
    as it was, and nothing is logged unless it is the last step, the move, that failed.

    Raises: Conflict when the target is there, unless `replace`, or is the source; Invalid for
    what cannot be meant or read; OSError when a file cannot be read or written; Unavailable.
    """
    _check_names(asked)
    _check_target(source, target, replace)
    with Spool() as received, _beside(target) as written:
        _receive(source, received, progress)
        judged = judge_audience(received, asked, client_id, now, keys)
        with judged.permitted as permitted:
            shutil.copyfileobj(permitted, written, _PIECE)
            concluded = conclude(judged, rows_only=True)
            shutil.copyfileobj(permitted, written, _PIECE)
        written.flush()
        os.fsync(written.fileno())
        _check_target(source, target, replace)
        record_screening(concluded)
    return concluded.summary


def _receive(source: Path, received: Spool, progress: Progress) -> None:
    """Takes the file as it is now: it is read twice, and who wrote it may still be writing."""
    with source.open("rb") as file:
        while part := file.read(_PIECE):
            progress(received.write(part))


@contextmanager
def _beside(target: Path) -> Iterator[IO[bytes]]:
    """A file next to the target, which takes its place when the block ends, and goes when it
    raises."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _check_target(source: Path, target: Path, replace: bool) -> None:
    if not target.exists():
        return
    if target.samefile(source):
        raise Conflict("The permitted rows cannot take the place of the audience itself.")
    if not replace:
        raise Conflict(f"{target} exists, and stays as it is.")


def _check_names(asked: Request) -> None:
    """Raises: Invalid for a name that the catalogue does not know."""
    catalogue, question, context = catalogue_for(asked), asked.question, asked.context
    campaign, touchpoint = context.get("campaign"), context.get("touchpoint")
    if question.recipient not in catalogue.recipients:
        raise _unknown("recipient")
    if not set(question.data_categories or ()) <= catalogue.data_categories.keys():
        raise _unknown("data_category")
    if touchpoint is not None and touchpoint not in catalogue.touchpoints:
        raise _unknown("touchpoint")
    if campaign is not None and _CAMPAIGN.fullmatch(campaign) is None:
        raise Invalid.at("/campaign", "invalid", "Up to 64 letters, digits and . _ : - alone.")


def _unknown(name: str) -> Invalid:
    return Invalid.at(f"/{name}", f"unknown_{name}", "Not in the catalogue.")
