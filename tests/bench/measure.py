"""Measuring two pieces of work in turn: a machine that is slow for a while is slow for both."""

import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

RUNS = 5


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the most of several runs."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(min(values), statistics.median(values), max(values))

    def __str__(self):
        return " · ".join(_short(value) for value in (self.least, self.median, self.most))


@dataclass(frozen=True)
class Line:
    """What was measured. `ratio` is to the baseline of the same run, `wanted` what to reach."""

    work: str
    unit: str
    spread: Spread
    ratio: Spread | None = None
    wanted: str = ""


def in_turn(baseline, subject):
    """Calls both, one after the other, RUNS times; what each gave, in pairs."""
    return [(baseline(), subject()) for _ in range(RUNS)]


def compared(pairs, baseline, subject, unit, wanted=""):
    """Two lines of a table: the baseline, and the subject with its ratio to it."""
    of_baseline, of_subject = zip(*pairs, strict=True)
    ratios = [theirs / base for base, theirs in pairs]
    return [
        Line(baseline, unit, Spread.of(of_baseline)),
        Line(subject, unit, Spread.of(of_subject), Spread.of(ratios), wanted),
    ]


def timed(work, amount):
    """How much of `amount` a second `work()` gets done."""
    began = time.perf_counter()
    work()
    return amount / (time.perf_counter() - began)


def machine():
    """What this was measured on, in a line."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores = sum(1 for cpu in Path("/sys/devices/system/cpu").glob("cpu[0-9]*"))
    return f"{cores} cores of {processor}; {platform.system()} {platform.release()}"


def _short(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
