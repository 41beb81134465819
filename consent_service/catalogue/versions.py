"""Versions of the catalogue: as they are stored, and what loading another one does. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from consent_service.catalogue.model import Catalogue


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """A recorded version: its document as canonical JSON (RFC 8785) and the SHA-256 of it."""

    version: int
    document: str
    sha256: bytes
    recorded_from: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in both forms: as values, and the document as plain JSON values, not to be
    changed."""

    catalogue: Catalogue
    document: Mapping[str, Any]


class DifferenceKind(StrEnum):
    """What happened to a place of the document."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that differs: a JSON Pointer into the new document, or into the old one for what
    was removed."""

    pointer: str
    change: DifferenceKind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What loading a document did or would do."""

    version: int
    changed: bool
    difference: tuple[Difference, ...]
    customers_to_ask_again: int
