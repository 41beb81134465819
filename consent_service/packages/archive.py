"""A package as one ZIP, written from its beginning to its end and never held as a whole."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from consent_service.packages import schema
from consent_service.packages.forms import csv_text, joined, json_text
from consent_service.packages.gathered import Gathered
from consent_service.packages.gathering import File
from consent_service.packages.log_rows import Uses
from consent_service.packages.page import html_text
from consent_service.packages.shape import tables
from consent_service.web.texts import Language

Contents = Iterator[tuple[File, Iterable[bytes]]]

_GREAT = 1 << 27  # bytes of rows, of which no form is 16 times as long: 2 GiB, where ZIP64 begins


def write_archive(
    sink: io.RawIOBase,
    head: Mapping[str, Any],
    gathered: Gathered,
    uses: Uses,
    language: Language,
    contents: Contents,
    now: datetime,
) -> None:
    """The page, the JSON, a CSV for each table, and what recipients gave."""
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        great = sum(gathered.size(table.name) for table in _told(gathered)) > _GREAT
        _add(archive, "index.html", html_text(head, gathered, uses, language), now)
        _add(archive, "package.json", json_text(head, gathered), now, great=great)
        _add(archive, "package.schema.json", [schema.text().encode()], now)
        for table in _told(gathered):
            _add(archive, f"tables/{table.name}.csv", csv_text(table, gathered), now, great=great)
        for file, portions in contents:
            _add(archive, file.path, portions, now)


def _told(gathered: Gathered) -> Any:
    return tables(portable=gathered.portable)


def _add(
    archive: zipfile.ZipFile,
    name: str,
    portions: Iterable[bytes],
    now: datetime,
    *,
    great: bool = False,
) -> None:
    entry = zipfile.ZipInfo(name, now.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=great) as file:
        for portion in joined(portions):
            file.write(portion)
