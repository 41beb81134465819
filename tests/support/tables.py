"""Every table of every room, whether or not the app uses it."""

import importlib
from pathlib import Path

import consent_service
from consent_service.storage.db import Base

PACKAGE = Path(consent_service.__file__).parent


def all_tables():
    """{name: table}, in order of name."""
    for path in PACKAGE.glob("*/tables.py"):
        importlib.import_module(f"consent_service.{path.parent.name}.tables")
    return dict(sorted(Base.metadata.tables.items()))
