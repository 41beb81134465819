"""What a room knows of a customer is exported, erased and merged: no table is forgotten."""

import importlib
import inspect
from collections import Counter

import pytest

from consent_service.storage.db import Base
from tests.support.tables import PACKAGE, all_tables

ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/personal_data.py"))
ACTS = {
    "export": ["tx", "customer", "keys"],
    "erase": ["tx", "customer"],
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


def _is_row(value, tables):
    return (
        isinstance(value, type) and value.__module__ == tables.__name__ and issubclass(value, Base)
    )
