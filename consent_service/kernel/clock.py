"""Time as aware UTC datetimes. Rules take `now` as an argument; only the edges read a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


@lru_cache(maxsize=512)
def rfc3339(instant: datetime) -> str:
    """An instant as RFC 3339 text in UTC with microseconds and `Z`. One answer has most of its
    times more than once, and many answers have them in common."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime:
    """The aware UTC instant that RFC 3339 text names.

    Raises: ValueError for text without an offset or that is not a time.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time needs an offset")
    return instant.astimezone(UTC)
