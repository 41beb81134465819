"""Types of what is read past its schema, where most bodies are plainly right. What comes of them is
what comes of the schema; whatever is not plainly right is left to it, which says what is wrong."""

import re
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from consent_service.web.contracts import KEY_PATTERN, LANGUAGE_PATTERN

Key = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"\A(?:{KEY_PATTERN})\Z")]
Language = Annotated[str, Meta(min_length=2, max_length=35, pattern=rf"\A(?:{LANGUAGE_PATTERN})\Z")]
ShortText = Annotated[str, Meta(min_length=1, max_length=64)]

_UTC = re.compile(r"(?:19|[2-8]\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z", re.ASCII)


def instant_of(text: str) -> datetime | None:
    """An instant as we write it ourselves; None for any other way to write one."""
    if _UTC.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
