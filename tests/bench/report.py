"""`docs/benchmarks.md`: a section for each piece of work, replaced when that is measured again."""

import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.measure import machine
from tests.support import postgres

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

`make bench` measures and writes this page; `make bench ARGS="import"` measures one section. Each
figure is the least, the middle and the most of its runs. The ratio is to the baseline above it,
taken in turn with it in the same run: a machine that is slow for a while is slow for both.
"""


def write(name, title, text, lines, kind="sqlite"):
    """Puts a section into the page. `text` says what was done, in Markdown."""
    page = PAGE.read_text() if PAGE.exists() else _HEAD
    sections = dict(re.findall(r"(?ms)^<!-- (\S+) -->\n(.*?)(?=^<!-- |\Z)", page))
    sections[name] = f"## {title}\n\n{text.strip()}\n\n{_table(lines)}\n\n{_about(name, kind)}\n\n"
    body = "".join(f"<!-- {key} -->\n{sections[key]}" for key in sorted(sections))
    PAGE.write_text((_HEAD + "\n" + body).rstrip() + "\n")


def _table(lines):
    rows = ["| work | unit | least · median · most | ratio | wanted |", "|---|---|---|---|---|"]
    for line in lines:
        cells = (line.work, line.unit, line.spread, line.ratio or "", line.wanted)
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def _about(name, kind):
    store = f"SQLite {sqlite3.sqlite_version}" if kind == "sqlite" else _postgresql()
    versions = ", ".join(
        f"{package} {version(package)}" for package in ("flask", "sqlalchemy", "cryptography")
    )
    command = name.partition("-")[0]
    today = datetime.now(UTC).date().isoformat()
    python = f"Python {platform.python_version()} ({platform.python_compiler()})"
    return f'`make bench ARGS="{command}"`, {today}; {python}, {store}, {versions}; {machine()}.'


def _postgresql():
    path = postgres.find_programs() / "postgres"
    said = subprocess.run([str(path), "--version"], check=True, capture_output=True, text=True)
    return "PostgreSQL " + said.stdout.split()[2]
