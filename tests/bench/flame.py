"""Where the time of a check goes: stacks of a web worker under load, as a flame graph."""

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from tests.bench import report
from tests.bench.load import post
from tests.bench.serving import NEWSLETTER, service
from tests.support import postgres

SECONDS = 20
PICTURE = report.PAGE.parent / "adr" / "0021-check.svg"
_WIDTH, _ROW = 1200, 17
_LEAST = 0.0015  # of the whole; what is narrower is not drawn
_COLOURS = {"consent_service": "#d95f02", "flask": "#7570b3", "werkzeug": "#9d99cf"}
_OTHER = "#a6a6a6"
_ENTRY = "flask/app.py Flask.__call__"
_PLACE = re.compile(
    r"(\S+) \((?:.*/site-packages/|.*/lib/python[\d.]+/|.*?(?=consent_service/))?(.*):\d+\)"
)


def run():
    """Draws the picture, from a durable PostgreSQL and checks by id."""
    with postgres.server(durable=True) as url, service(url) as real:
        bodies = [
            {"customer_id": one, "purpose": NEWSLETTER, "channel": "email"}
            for one, _ in real.people
        ]
        address = f"{real.address}/v1/decisions"
        post(address, bodies, real.token(), 2)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "stacks"
            recorder = shutil.which("py-spy", path=Path(sys.executable).parent)
            recording = subprocess.Popen(
                [recorder, "record", "--pid", str(real.command.workers()[0]), "--format", "raw",
                 "--duration", str(SECONDS), "--rate", "250", "--output", str(path)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            post(address, bodies, real.token(), SECONDS + 2)
            if recording.wait():
                sys.exit("py-spy cannot look at the worker (it needs ptrace: root, or --cap-add)")
            PICTURE.write_text(draw(path.read_text()))


def draw(stacks):
    """The picture of folded stacks: `frame;frame count` a line."""
    whole = {}
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        within = [_named(frame) for frame in frames.split(";")]
        if _ENTRY in within:  # else a thread that waits for a request
            _add(whole, within[within.index(_ENTRY) :], int(count))
    total = sum(count for count, _ in whole.values())
    parts, depth = [], _boxes(whole, 0, 0, total)
    height = _place(depth, parts)
    return _svg(parts, height)


def _named(frame):
    found = _PLACE.fullmatch(frame)
    return frame if found is None else f"{found[2]} {found[1]}"


def _add(level, frames, count):
    for name in frames:
        before, inner = level.get(name, (0, {}))
        level[name] = (before + count, inner)
        level = inner


def _boxes(level, depth, start, total):
    found = []
    for name, (count, inner) in sorted(level.items()):
        if count / total >= _LEAST:
            found.append((depth, start / total, count / total, name))
            found += _boxes(inner, depth + 1, start, total)
        start += count
    return found


def _place(boxes, parts):
    deepest = max(depth for depth, *_ in boxes)
    for depth, start, share, name in boxes:
        x, width, y = start * _WIDTH, share * _WIDTH, depth * _ROW
        room = name.partition("/")[0].removesuffix(".py")
        label = escape(name.rpartition(" ")[2][: int(width / 6.5)]) if width > 30 else ""
        colour = _COLOURS.get(room, _OTHER)
        box = f'x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.3):.1f}" height="{_ROW - 1}"'
        parts.append(
            f'<g><title>{escape(name)}: {share:.1%}</title><rect {box} fill="{colour}"/>'
            f'<text x="{x + 3:.1f}" y="{y + 12}">{label}</text></g>'
        )
    return (deepest + 1) * _ROW


def _svg(parts, height):
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">',
         "<style>text{font:11px monospace;fill:#fff}</style>", *parts, "</svg>", ""]
    )  # fmt: skip
