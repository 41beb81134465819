"""One check after another, with all that the product does for each, beside a route that does
nothing."""

import tempfile
from pathlib import Path

from tests.bench import report
from tests.bench.load import CONNECTIONS, post
from tests.bench.measure import RUNS, Line, Spread
from tests.bench.serving import NEWSLETTER, service, yardstick
from tests.support import postgres

TITLE = "Checks, one at a time"
TEXT = f"""
`POST /v1/decisions` over {CONNECTIONS} connections by wrk, on the cores that server and database
run on: `consent serve` as it comes (2 workers), every answer logged and durable before it leaves.
Those asked about are of the sample list, most with a yes, some with a no or a dead address.
The yardstick is a bare Flask route of the same answer on gunicorn's 2 synchronous workers.
"""
_WANTED = {"postgresql": ("≥ 0.5 ×", "≥ 0.4 ×"), "sqlite": ("≥ 0.35 ×", "")}


def run():
    """Measures and writes the sections."""
    with postgres.server(durable=True) as url:
        _measure("postgresql", url)
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        _measure("sqlite", f"sqlite:///{Path(place) / 'store.sqlite3'}")


def _measure(kind, url):
    with yardstick() as bare, service(url) as real:
        asked = {"purpose": NEWSLETTER, "channel": "email"}
        by_id = [{"customer_id": one, **asked} for one, _ in real.people]
        by_email = [
            {"identifier": {"type": "email", "value": email}, **asked} for _, email in real.people
        ]
        found = []
        for _ in range(RUNS):
            path, token = "/v1/decisions", real.token()
            found.append(
                [
                    post(bare + path, by_id, token),
                    post(real.address + path, by_id, token),
                    post(real.address + path, by_email, token),
                ]
            )
    report.write(f"decisions-{kind}", f"{TITLE}: {kind}", TEXT, _lines(kind, found), kind)


def _lines(kind, found):
    base, *_ = columns = list(zip(*found, strict=True))
    names = ("the yardstick", "a check by id", "a check by e-mail")
    lines = []
    for name, column, wanted in zip(names, columns, ("", *_WANTED[kind]), strict=True):
        rates = [load.rate / own.rate for load, own in zip(column, base, strict=True)]
        slow = [load.p99 / own.p99 for load, own in zip(column, base, strict=True)]
        first = column is base
        lines += [
            Line(name, "requests/s", Spread.of([load.rate for load in column]),
                 None if first else Spread.of(rates), wanted),
            Line(f"{name}, p99", "ms", Spread.of([load.p99 for load in column]),
                 None if first else Spread.of(slow), "" if first else "≤ 5 ×"),
        ]  # fmt: skip
    return lines
