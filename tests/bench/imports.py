"""The import of a list on SQLite, beside the bare work: the same values sealed, the same rows put
into the same tables and made durable as often, and nothing else."""

import csv
import io
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from hashlib import sha256
from hmac import digest
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import consent_service
from consent_service.app import create_app
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.config import Settings
from consent_service.crypto import keyring
from consent_service.imports import service
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.storage import migrations
from consent_service.storage.db import Base, db
from consent_service.storage.types import SealedBytes
from tests.bench import report
from tests.bench.measure import compared, in_turn, timed

COPIES = 10
TITLE = "Import of a list on SQLite"
TEXT = """
The sample list ten times over, every copy with people of its own, into an empty store
(`synchronous=FULL`). The bare work is what the import left behind, done again by the least code
that can: each sealed value sealed anew, each blind index computed, the rows inserted through
`sqlite3` in transactions of the import's size. Nothing is read, checked or decided there.
"""
_OPTIONS = ImportOptions("marketing.newsletter", Channel.EMAIL, "import")
_PACKAGE = Path(consent_service.__file__).parent
_OVERHEAD = 34  # of a sealed value: header, nonce and tag


def run():
    """Measures and writes the section."""
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        directory = Path(place)
        export = directory / "list.zip"
        copies_of_sample(export, COPIES)
        bare = Bare(directory / "bare", *_import(export, directory / "first"))
        pairs = in_turn(bare.rate, lambda: _import(export, directory / "again")[1])
    lines = compared(pairs, "bare seals and rows", "`consent import`", "rows/s", "≥ 4,000; 0.2 ×")
    report.write("import", TITLE, TEXT, lines)


def sample_list():
    """Where the sample list is."""
    return _PACKAGE / "imports/sample/audience_export.zip"


def sample_catalogue():
    """Where the sample catalogue is."""
    return _PACKAGE / "catalogue/sample/catalogue.yaml"


def copies_of_sample(path, copies):
    """Writes the sample list, `copies` times over, each with e-mail addresses and phones of its
    own."""
    with (
        sample_list().open("rb") as file,
        zipfile.ZipFile(file) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name.endswith(".csv"):
                new.writestr(name, _copied(old.read(name).decode("utf-8-sig"), copies))


def _copied(text, copies):
    header, *rows = csv.reader(io.StringIO(text))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    email, phone = header.index("Email Address"), header.index("Phone Number")
    for copy in range(copies):
        for row in rows:
            mine = [*row]
            mine[email] = f"c{copy}.{row[email]}" if row[email].strip() else row[email]
            mine[phone] = _other_phone(row[phone], copy * 97)
            writer.writerow(mine)
    return out.getvalue()


def _other_phone(number, by):
    return re.sub(r"\d{3}$", lambda end: f"{(int(end[0]) + by) % 1000:03}", number)


def _import(export, directory):
    """Imports into a store that is made anew in a directory; its file, and rows a second."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    now = utc_now()
    ring = keyring.generate(now)
    app = create_app(Settings(data_dir=directory, keyring=keyring.dump(ring)))
    with app.app_context():
        migrations.migrate()
        catalogues.load_catalogue(sample_catalogue().read_text(), SYSTEM, now, lambda *_: 0)
        found = service.import_mailchimp(
            export, _OPTIONS, SYSTEM, now, ring, lambda _: None, utc_now
        )
        path = Path(db.engine.url.database)
        db.engine.dispose()
    return path, sum(found.read.values()) / found.seconds


class Bare:
    """What an import left in a store, to be written again into an empty one of the same make."""

    def __init__(self, directory, path, _):
        self._path = directory / "store.sqlite3"
        directory.mkdir()
        with closing(sqlite3.connect(path)) as store:
            self._schema = [
                sql
                for (sql,) in store.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            ]
            self._tables = [
                found
                for table in Base.metadata.sorted_tables
                if (found := _Rows(store, table)).rows
            ]
        self._people = next(found for found in self._tables if found.name == "customers").rows

    def rate(self):
        """Rows of the list a second: one for each person."""
        self._path.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._path, isolation_level=None)) as store:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "secure_delete=ON",
                "cache_size=-4096",
            ):
                store.execute(f"PRAGMA {pragma}")
            for sql in self._schema:
                store.execute(sql)
            return timed(lambda: self._write(store), len(self._people))

    def _write(self, store):
        batches = -(-len(self._people) // service.BATCH)
        for batch in range(batches):
            store.execute("BEGIN IMMEDIATE")
            for table in self._tables:
                store.executemany(table.insert, table.sealed_part(batch, batches))
            store.execute("COMMIT")


class _Rows:
    """The rows of a table, and which of their values are sealed and indexed."""

    def __init__(self, store, table):
        self.name = table.name
        columns = [column.name for column in table.columns]
        listed, places = ", ".join(columns), ", ".join("?" * len(columns))
        self.rows = store.execute(f"SELECT {listed} FROM {self.name}").fetchall()  # noqa: S608  # names of our own
        self.insert = f"INSERT INTO {self.name} ({listed}) VALUES ({places})"  # noqa: S608  # names of our own
        kinds = enumerate(column.type for column in table.columns)
        self._sealed = [at for at, kind in kinds if isinstance(kind, SealedBytes)]
        self._indexed = columns.index("digest") if self.name == "identifier_index" else None

    def sealed_part(self, part, parts):
        """One of `parts` portions of the rows, every sealed value and blind index made anew."""
        return [
            self._anew(row)
            for row in islice(
                self.rows, len(self.rows) * part // parts, len(self.rows) * (part + 1) // parts
            )
        ]

    def _anew(self, row):
        if not self._sealed and self._indexed is None:
            return row
        values = list(row)
        for at in self._sealed:
            if values[at] is not None:
                nonce = os.urandom(12)
                values[at] = (
                    values[at][:6]
                    + nonce
                    + AESGCM(os.urandom(32)).encrypt(
                        nonce, values[at][_OVERHEAD:], values[0].encode()
                    )
                )
        if self._indexed is not None:
            values[self._indexed] = digest(b"key", sha256(values[self._indexed]).digest(), "sha256")
        return values
