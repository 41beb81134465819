"""Reads YAML or JSON into plain values, and says on which line each stands.

A small YAML on purpose: mappings, lists, text, true/false, null and numbers as JSON knows
them. Tags, anchors and aliases are refused, so a document is never larger than it looks;
`no` and `2026-10-01` are text (YAML 1.2), so Norway stays a country.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from consent_service.catalogue.faults import Faults, name_of
from consent_service.kernel.errors import Invalid, Malformed

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 20
MAX_PLACES = 100_000  # a second's work

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u(d[89ab]..)\\u(d[c-f]..)|.)", re.DOTALL | re.IGNORECASE)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLAIN: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class MalformedDocument(Malformed):
    """Not YAML, not JSON, or not UTF-8. The text says on which line; it repeats nothing."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document as plain values; `lines`, from 1, by JSON Pointer."""

    document: dict[str, Any]
    lines: dict[str, int]


def read(text: str | bytes) -> Source:
    """The one document in `text`. Raises: MalformedDocument, Invalid."""
    decoded = _decoded(text)
    try:
        events: Iterator[Event] = yaml.parse(_joined_surrogates(decoded), Loader=_LOADER)
        return _Reader(events).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise MalformedDocument(_malformed(0 if mark is None else mark.line + 1)) from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise MalformedDocument(_malformed(0)) from None


class _Reader:
    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._lines: dict[str, int] = {}
        self._faults = Faults(self._lines)

    def read(self) -> Source:
        self._expect(StreamStartEvent)
        self._expect(DocumentStartEvent)
        document = self._value(next(self._events), "", 1)
        next(self._events)  # the document's end
        self._expect(StreamEndEvent)
        if not isinstance(document, dict):
            self._faults.add("", "wrong_type", "the document must be a mapping of keys")
        self._faults.raise_any()
        return Source(document, self._lines)

    def _expect(self, kind: type[Event]) -> None:
        event = next(self._events)
        if not isinstance(event, kind):
            raise MalformedDocument(_malformed(_line(event)))

    def _value(self, event: Event, pointer: str, depth: int) -> Any:
        self._lines.setdefault(pointer, _line(event))
        if len(self._lines) > MAX_PLACES:
            self._refuse(pointer, "too_large", f"more than {MAX_PLACES} values")
        self._refuse_references(event, pointer)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, pointer)
        if isinstance(event, AliasEvent):
            return None
        if depth > MAX_DEPTH:
            self._refuse(pointer, "too_deep", f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, SequenceStartEvent):
            return self._list(pointer, depth)
        assert isinstance(event, MappingStartEvent)
        return self._mapping(pointer, depth)

    def _refuse(self, pointer: str, code: str, text: str) -> None:
        self._faults.add(pointer, code, text)
        self._faults.raise_any()

    def _refuse_references(self, event: Event, pointer: str) -> None:
        assert isinstance(event, NodeEvent)
        if event.anchor is not None:
            self._faults.add(pointer, "alias", f"{name_of(pointer)}: anchors and aliases (& and *)")
        if getattr(event, "tag", None) is not None:
            self._faults.add(pointer, "tag", f"{name_of(pointer)}: tags (!) are not read")

    def _scalar(self, event: ScalarEvent, pointer: str) -> Any:
        text: str = event.value
        if _UNSTORABLE.search(text):
            self._faults.add(
                pointer, "invalid_text", f"{name_of(pointer)}: a character that is not text"
            )
        if event.style:
            return text
        if text in _PLAIN:
            return _PLAIN[text]
        if _WHOLE.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text

    def _list(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._value(event, f"{pointer}/{len(items)}", depth + 1))
        return items

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            if isinstance(event, ScalarEvent) and _KEY.fullmatch(event.value):
                self._entry(event, f"{pointer}/{event.value}", depth, found)
            else:
                self._refuse_entry(event, pointer, depth)
        return found

    def _entry(self, key: ScalarEvent, pointer: str, depth: int, found: dict[str, Any]) -> None:
        self._lines.setdefault(pointer, _line(key))
        self._refuse_references(key, pointer)
        if key.value in found:
            self._faults.add(pointer, "repeated", f"{key.value} stands again on line {_line(key)}")
        found[key.value] = self._value(next(self._events), pointer, depth + 1)

    def _refuse_entry(self, key: Event, pointer: str, depth: int) -> None:
        text = f"{name_of(pointer)}: on line {_line(key)} is a key that cannot be one"
        self._faults.add(pointer, "invalid_key", text)
        self._value(key, pointer, depth + 1)
        self._value(next(self._events), pointer, depth + 1)


def _decoded(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise Invalid.at("", "too_large", "line 1: the document is larger than 2 MiB")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedDocument("Not UTF-8 text.") from None


def _joined_surrogates(text: str) -> str:
    r"""JSON may write one character as two halves, `\ud83d\ude00`; YAML has no such thing."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _ESCAPE.sub(_joined, text)


def _joined(match: re.Match[str]) -> str:
    high, low = match.groups()
    if high is None:
        return match.group()
    return bytes.fromhex(high + low).decode("utf-16-be")


def _line(event: Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1


def _malformed(line: int) -> str:
    where = f"Line {line}: n" if line else "N"
    return f"{where}ot well-formed YAML or JSON."
