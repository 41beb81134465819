"""One check, as the store grows."""

from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from tests.bench import crowd, report
from tests.bench.curve import draw
from tests.bench.load import post
from tests.bench.measure import Line, Spread, in_turn
from tests.bench.serving import NEWSLETTER, service
from tests.support import postgres

LEAST, *SIZES = 10_000, 100_000, 1_000_000, 3_000_000
TITLE = "A check as the store grows, on PostgreSQL"
TEXT = """
`POST /v1/decisions` over one connection, from `consent serve` as it comes: milliseconds of half of
the checks. Every customer has ten consent records and four entries in the log, so that the last has
30 million records and 12 million entries; those who are asked about lie scattered among all. The
ratio is to a store of 10,000 customers on the same server, asked in turn.

![milliseconds by customers](growth.svg)
"""


class _Store:
    """A service, and the customers in its store."""

    def __init__(self, url, real):
        self._url, self._real, self._have = url, real, len(real.people)
        asked = {"purpose": NEWSLETTER, "channel": "email"}
        self._bodies = [{"customer_id": one, **asked} for one, _ in real.people]
        self.ask()  # so that the sealer has swept before there is a crowd

    def grow(self, size):
        with psycopg.connect(self._url, autocommit=True) as connection:
            crowd.grow(connection, self._have, size)
        self._have = size
        self.ask()

    def ask(self):
        """The milliseconds of half of the checks."""
        to = f"{self._real.address}/v1/decisions"
        return post(to, self._bodies, self._real.token(), connections=1).p50


@contextmanager
def _store(server, name):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    with service(url) as real:
        yield _Store(url, real)


def run():
    """Measures and writes the section, and the curve."""
    found = {}
    with (
        postgres.server(durable=True) as server,
        _store(server, "least") as least,
        _store(server, "grown") as grown,
    ):
        least.grow(LEAST)
        for size in SIZES:
            grown.grow(size)
            found[size] = in_turn(least.ask, grown.ask)
    times = {LEAST: [p50 for pairs in found.values() for p50, _ in pairs]}
    times |= {size: [p50 for _, p50 in pairs] for size, pairs in found.items()}
    spreads = {size: Spread.of(p50) for size, p50 in times.items()}
    draw(report.PAGE.with_name("growth.svg"), spreads)
    ratios = {n: Spread.of([p50 / base for base, p50 in pairs]) for n, pairs in found.items()}
    lines = [
        Line(f"{n:,} customers", "ms", spread, ratios.get(n), "< 1.3 ×" if n in ratios else "")
        for n, spread in spreads.items()
    ]
    report.write("growth", TITLE, TEXT, lines, "postgresql")
