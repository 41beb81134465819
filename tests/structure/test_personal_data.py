"""What a room knows of a customer is exported, erased and merged: no table is forgotten."""

import importlib
import inspect
from collections import Counter

import pytest

from consent_service.packages.shape import TABLES
from consent_service.storage.db import Base
from tests.structure.exported_columns import EXPORTED
from tests.support.tables import PACKAGE, all_tables

ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/personal_data.py"))
ACTS = {
    "export": ["tx", "customer", "keys"],
    "erase": ["tx", "customers"],
    "absorb": ["tx", "kept", "absorbed", "now"],
}


def module(room):
    return importlib.import_module(f"consent_service.{room}.personal_data")


def test_every_table_about_a_customer_is_in_the_care_of_one_room():
    tables = all_tables()
    about_customers = {name for name, table in tables.items() if "customer_id" in table.columns}
    in_care = Counter(name for room in ROOMS for name in module(room).TABLES)
    assert set(in_care) >= about_customers
    assert set(in_care) <= set(tables)
    assert [name for name, rooms in in_care.items() if rooms > 1] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_takes_care_of_its_own_tables(room):
    tables = importlib.import_module(f"consent_service.{room}.tables")
    own = {row.__tablename__ for row in vars(tables).values() if _is_row(row, tables)}
    assert set(module(room).TABLES) <= own


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("act", ACTS)
def test_a_room_exports_erases_and_absorbs(room, act):
    assert list(inspect.signature(getattr(module(room), act)).parameters) == ACTS[act]


def test_every_column_about_a_customer_is_exported_or_left_out_for_a_reason():
    tables = all_tables()
    in_care = {name for room in ROOMS for name in module(room).TABLES}
    have = {name: set(tables[name].columns.keys()) for name in in_care}
    assert {name: set(columns) for name, columns in EXPORTED.items()} == have, (
        "say in tests/structure/exported_columns.py where an export tells it, or why not"
    )


def test_what_is_said_to_be_exported_is_told_by_a_package():
    told = {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}
    said = [where for columns in EXPORTED.values() for where in columns.values()]
    assert {where for where in said if not where.startswith("- ")} - told == set()
    assert [where for where in said if where.startswith("- ") and len(where) < 8] == []


def test_every_table_of_a_package_is_of_a_column_or_worked_out():
    said = {where.partition(".")[0] for columns in EXPORTED.values() for where in columns.values()}
    assert {table.name for table in TABLES} - said == {"sources", "recipients"}


@pytest.mark.parametrize("name", EXPORTED)
def test_no_secret_is_said_to_be_exported(name):
    secret = {"sha256", "digest", "wrapped", "token", "commitment", "audience_secret", "key_digest"}
    assert [c for c, where in EXPORTED[name].items() if c in secret and where[0] != "-"] == []


def _is_row(value, tables):
    return (
        isinstance(value, type) and value.__module__ == tables.__name__ and issubclass(value, Base)
    )
