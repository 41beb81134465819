"""One check, as the store grows."""

import psycopg

from tests.bench import crowd, report
from tests.bench.curve import draw
from tests.bench.load import post
from tests.bench.measure import RUNS, Line, Spread
from tests.bench.serving import NEWSLETTER, service
from tests.support import postgres

SIZES = (10_000, 100_000, 1_000_000, 3_000_000)
TITLE = "A check as the store grows, on PostgreSQL"
TEXT = """
`POST /v1/decisions` over one connection, from `consent serve` as it comes: milliseconds of half of
the checks. Every customer has ten consent records and three entries in the log; those who are asked
about lie scattered among all. The ratio is to the smallest store of the same run.

![milliseconds by customers](growth.svg)
"""


def run():
    """Measures and writes the section, and the curve."""
    found = {}
    with postgres.server(durable=True) as url, service(url) as real:
        asked = {"purpose": NEWSLETTER, "channel": "email"}
        bodies = [{"customer_id": one, **asked} for one, _ in real.people]
        have = len(real.people)
        for size in SIZES:
            with psycopg.connect(url, autocommit=True) as connection:
                crowd.grow(connection, have, size)
            have = size
            post(f"{real.address}/v1/decisions", bodies, real.token(), connections=1)
            found[size] = [
                post(f"{real.address}/v1/decisions", bodies, real.token(), connections=1).p50
                for _ in range(RUNS)
            ]
    draw(report.PAGE.with_name("growth.svg"), {size: Spread.of(p50) for size, p50 in found.items()})
    report.write("growth", TITLE, TEXT, _lines(found), "postgresql")


def _lines(found):
    least = Spread.of(found[SIZES[0]]).median
    return [
        Line(f"{size:,} customers", "ms", Spread.of(times),
             None if size == SIZES[0] else Spread.of([one / least for one in times]),
             "" if size == SIZES[0] else "< 1.3 ×")
        for size, times in found.items()
    ]  # fmt: skip
