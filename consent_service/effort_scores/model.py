"""One question, and what it came to. No I/O."""

from dataclasses import dataclass
from enum import StrEnum

SCORES = range(1, 8)  # very hard to very easy


class About(StrEnum):
    """What somebody had just done."""

    CHOICE = "choice"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Count:
    """How often a score was given in a month (`2026-11`, by UTC)."""

    month: str
    about: About
    score: int
    count: int
