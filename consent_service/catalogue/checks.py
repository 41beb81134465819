"""Small checks that a document's shape is put together from. Each notes faults and goes on."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from consent_service.catalogue.faults import Faults, name_of
from consent_service.kernel.clock import parse_rfc3339
from consent_service.web import brand, colours

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere in a document, where faults can be noted."""

    faults: Faults
    pointer: str

    def __truediv__(self, step: str | int) -> "Place":
        return Place(self.faults, f"{self.pointer}/{step}")

    def fault(self, code: str, text: str) -> None:
        """Notes a fault here."""
        self.faults.add(self.pointer, code, f"{name_of(self.pointer)}: {text}")


Check = Callable[[Any, Place], None]


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A mapping with exactly these keys."""
    known = {**required, **(optional or {})}

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            place.fault("wrong_type", "must be a mapping of keys")
            return
        for name, inner in value.items():
            if name in known:
                known[name](inner, place / name)
            else:
                (place / name).fault("unknown_field", "not a key of this document")
        for name in required.keys() - value.keys():
            (place / name).fault("required", "is missing")

    return check


def keyed(pattern: str, named: str, inner: Check) -> Check:
    """A mapping, not empty, whose keys are of a pattern."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, dict) or not value:
            place.fault("wrong_type", "must be a mapping with at least one entry")
            return
        for name, found in value.items():
            if not re.fullmatch(pattern, name):
                (place / name).fault("invalid_key", f"must be {named}")
            inner(found, place / name)

    return check


def by_language(languages: Collection[str], inner: Check, *, others: bool = False) -> Check:
    """A mapping with every declared language. With `others`, more are let pass: what was once
    shown in a language stays when the language is dropped."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            place.fault("wrong_type", "must be texts by language")
            return
        for language, text in value.items():
            inner(text, place / language)
            if language not in languages and not others:
                (place / language).fault("unknown_field", "not a declared language")
        for language in languages:
            if language not in value:
                (place / language).fault("required", "the text in this language is missing")

    return check


def list_of(inner: Check, *, least: int = 0, repeats: bool = False) -> Check:
    """A list, of texts that do not repeat unless `repeats`."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, list):
            place.fault("wrong_type", "must be a list")
            return
        if len(value) < least:
            place.fault("too_short", f"needs at least {least}")
        seen: set[str] = set()
        for at, item in enumerate(value):
            inner(item, place / at)
            if not repeats and isinstance(item, str):
                if item in seen:
                    (place / at).fault("repeated", "stands twice")
                seen.add(item)

    return check


def entries(inner: Check) -> Check:
    """A list of mappings."""
    return list_of(inner, repeats=True)


def optional(inner: Check) -> Check:
    """Null, or what `inner` says."""

    def check(value: Any, place: Place) -> None:
        if value is not None:
            inner(value, place)

    return check


def text(most: int) -> Check:
    """Text with something in it."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, str):
            place.fault("wrong_type", "must be text; put quotes around a number")
        elif not value.strip():
            place.fault("too_short", "must not be empty")
        elif len(value) > most:
            place.fault("too_long", f"at most {most} characters")

    return check


def matching(pattern: str, named: str, most: int = 64) -> Check:
    """Text of a pattern, which `named` puts into words."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, str):
            place.fault("wrong_type", "must be text; put quotes around a number")
        elif len(value) > most or not re.fullmatch(pattern, value):
            place.fault("invalid", f"must be {named}")

    return check


def flag(value: Any, place: Place) -> None:
    """True or false."""
    if not isinstance(value, bool):
        place.fault("wrong_type", "must be true or false")


def whole(least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            place.fault("wrong_type", "must be a whole number")
        elif not least <= value <= most:
            place.fault("out_of_range", f"must be from {least} to {most}")

    return check


def one_of(choices: type[StrEnum]) -> Check:
    """A value of an enumeration."""
    named = ", ".join(choices)

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, str) or value not in set(choices):
            place.fault("not_a_choice", f"must be one of {named}")

    return check


def instant(value: Any, place: Place) -> None:
    """An RFC 3339 time with an offset."""
    if find_instant(value) is None:
        place.fault("invalid_time", "must be an RFC 3339 time with an offset")


def find_instant(value: Any) -> datetime | None:
    """The instant that RFC 3339 text names, between the years 1900 and 9000."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        found = parse_rfc3339(value)
    except (ValueError, OverflowError):
        return None
    return found if 1900 <= found.year <= 9000 else None


def colour(value: Any, place: Place) -> None:
    """`#rrggbb`, dark enough to be read where the pages are light, and to carry white text."""
    if not isinstance(value, str) or not re.fullmatch("#[0-9A-Fa-f]{6}", value):
        place.fault("invalid", "must be a colour as '#rrggbb', in quotes")
    elif not colours.is_readable(value):
        place.fault(
            "low_contrast",
            f"needs a contrast of {colours.READABLE}:1 against white and {colours.LIGHT_GROUND}",
        )


def picture(value: Any, place: Place) -> None:
    """A picture as a `data:` address: the pages load nothing from elsewhere."""
    if not isinstance(value, str):
        place.fault("wrong_type", "must be text")
    elif len(value) > brand.MAX_LOGO:
        place.fault("too_long", f"at most {brand.MAX_LOGO} characters")
    elif brand.logo(value) is None:
        kinds = ", ".join(brand.LOGO_KINDS)
        place.fault("invalid", f"must be data:KIND;base64,… where KIND is one of {kinds}")
