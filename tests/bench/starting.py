"""From nothing to the first answer, and what a worker takes that does nothing."""

import compileall
import tempfile
import time
from pathlib import Path

import consent_service
from tests.bench import report
from tests.bench.measure import RUNS, Line, Spread
from tests.bench.serving import service, yardstick
from tests.support.processes import Command, free_port, get, within

TITLE = "Starting"
TEXT = """
`consent serve`, compiled as pip does it, on SQLite with the sample in it: from the start of the
command to its first answer (`GET /readyz`, 200), and the memory of a web worker that has answered
once and stands idle (Pss of `/proc/*/smaps_rollup`: what is shared counts in part; Rss: as if it
were all its own). The yardstick, a bare Flask route on gunicorn's 2 workers, is started in turn.
"""


def run():
    """Measures and writes the section."""
    compileall.compile_dir(Path(consent_service.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        with service(f"sqlite:///{Path(place) / 'store.sqlite3'}") as real:
            environment = real.environment
        found = [(_start_yardstick(), *_start(environment)) for _ in range(RUNS)]
    bare, seconds, pss, rss = (Spread.of(column) for column in zip(*found, strict=True))
    ratios = Spread.of([each[1] / each[0] for each in found])
    report.write("start", TITLE, TEXT, [
        Line("the yardstick, to its first answer", "s", bare),
        Line("start to the first answer", "s", seconds, ratios, "< 1.5"),
        Line("a worker, idle, Pss", "MB", pss, None, "< 90"),
        Line("a worker, idle, Rss", "MB", rss),
    ])  # fmt: skip


def _start_yardstick():
    began = time.perf_counter()
    with yardstick():
        return time.perf_counter() - began


def _start(environment):
    port = free_port()
    began = time.perf_counter()
    command = Command("serve", environment=environment | {"CONSENT_PORT": str(port)})
    try:
        within(30, lambda: get(port, "/readyz") == 200)
        seconds = time.perf_counter() - began
        for _ in range(8):  # each worker has answered
            get(port, "/readyz")
        time.sleep(2)
        sizes = [_sizes_mb(worker) for worker in command.workers()]
        command.end()
    finally:
        command.clear()
    pss, rss = (max(column) for column in zip(*sizes, strict=True))
    return seconds, pss, rss


def _sizes_mb(process):
    told = dict(
        line.split(":")
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    )
    return tuple(int(told[name].split()[0]) / 1024 for name in ("Pss", "Rss"))
