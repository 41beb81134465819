"""The JSON Schema of `package.json`: docs/package.schema.json is this, as text."""

import json
from typing import Any

from consent_service.packages.shape import FORMAT, VERSION, CellKind, Column, tables

KINDS = ("access", "portability")
_INSTANT = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_CELLS: dict[CellKind, dict[str, Any]] = {
    CellKind.TEXT: {"type": ["string", "null"]},
    CellKind.TIME: {"type": ["string", "null"], "format": "date-time"},
    CellKind.NUMBER: {"type": ["integer", "null"]},
    CellKind.TRUTH: {"type": ["boolean", "null"]},
    CellKind.LIST: {"type": ["array", "null"], "items": _TEXT},
    CellKind.OBJECT: {"type": ["object", "null"]},
}


def document() -> dict[str, Any]:
    """The schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{FORMAT}:{VERSION}",
        "title": "What is held of a person, as they get it",
        "oneOf": [_package(kind) for kind in KINDS],
    }


def text() -> str:
    """The schema as it is written down."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _package(kind: str) -> dict[str, Any]:
    head = {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "kind": {"const": kind},
        "request_id": _TEXT,
        "made_at": _INSTANT,
        "language": _TEXT,
        "controller": _closed(dict.fromkeys(("name", "contact", "privacy_officer"), _TEXT)),
    }
    portable = kind == "portability"
    found = {table.name: _rows(table.of(portable=portable)) for table in tables(portable=portable)}
    return _closed(head | found)


def _rows(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {"type": "array", "items": _closed({c.name: _CELLS[c.kind] for c in columns})}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
