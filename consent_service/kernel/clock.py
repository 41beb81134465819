"""Time as aware UTC datetimes. Rules take `now` as an argument; only the edges read a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from msgspec.json import encode

_LENGTH = len("2026-01-01T00:00:00.000000Z")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


@lru_cache(maxsize=512)
def rfc3339(instant: datetime) -> str:
    """An instant as RFC 3339 text in UTC with microseconds and `Z`. One answer has most of its
    times more than once, and many answers have them in common."""
    text = encode(instant.astimezone(UTC))[1:-1].decode()  # in a tenth of what `isoformat` takes
    return text if len(text) == _LENGTH else text[:-1] + ".000000Z"


def parse_rfc3339(text: str) -> datetime:
    """The aware UTC instant that RFC 3339 text names.

    Raises: ValueError for text without an offset or that is not a time.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time needs an offset")
    return instant.astimezone(UTC)
