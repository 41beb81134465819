"""The rules that keep the schema ready to be spread over machines and free of clear personal
values, walked constraint by constraint. Source: DESIGN.md 5.2."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Integer, UniqueConstraint, Uuid, inspect

from consent_service.ledger.partition_store import REST
from consent_service.storage import migrated
from consent_service.storage.db import Base
from consent_service.storage.types import SealedBytes, UtcDateTime
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.structure.clear_columns import CLEAR
from tests.support.tables import all_tables

TABLES = all_tables()

# Tables with a customer column that does not come first, and why that is safe.
PLACED_OTHERWISE = {
    "access_tokens": "placed by hash: a token is looked up before anybody knows whose it is",
    "authorization_codes": "placed by hash, as access tokens are: it is looked up by what came",
    "refresh_tokens": "placed by hash, as access tokens are: it is looked up by what came",
    "sessions": "placed by the hash of the cookie, which is all that a request brings",
    "sign_in_links": "placed by the hash of the link, which is all that the letter holds",
    "privacy_request_links": "placed by the hash of the link, as those to sign in by are",
    "consent_confirmation_links": "placed by the hash of the link, as those to sign in by are",
    "unsubscribe_links": "placed by the hash of the link, which is all that the mail holds",
    "identifier_index": "placed by blind index: a customer is looked up by it",
}
UNPERSONAL_TYPES = (UtcDateTime, Uuid, Integer, Boolean)


def about_customers():
    return [name for name, table in TABLES.items() if "customer_id" in table.columns]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_primary_key(name):
    assert TABLES[name].primary_key.columns


@pytest.mark.parametrize("name", about_customers())
def test_the_customer_comes_first(name):
    table = TABLES[name]
    unique = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    unique += [index for index in table.indexes if index.unique]
    firsts = {next(iter(each.columns)).name for each in (table.primary_key, *unique)}
    assert (firsts == {"customer_id"}) != (name in PLACED_OTHERWISE), firsts


def test_exceptions_are_still_needed():
    assert set(about_customers()) >= PLACED_OTHERWISE.keys()


@pytest.mark.parametrize("name", about_customers())
def test_the_customer_is_of_one_type_everywhere(name):
    assert type(TABLES[name].columns["customer_id"].type) is Uuid


@pytest.mark.parametrize("name", TABLES)
def test_no_row_points_at_another_by_constraint(name):
    assert not TABLES[name].foreign_keys


@pytest.mark.parametrize("name", TABLES)
def test_every_value_comes_from_python(name):
    table = TABLES[name]
    assert table.autoincrement_column is None
    made_by_the_store = [
        column.name
        for column in table.columns
        if column.server_default is not None
        or column.server_onupdate is not None
        or column.identity is not None
        or column.computed is not None
        or (
            column.default is not None
            and not (column.default.is_scalar or column.default.is_callable)
        )
    ]
    assert made_by_the_store == []


@pytest.mark.parametrize("name", TABLES)
def test_no_clear_column_is_new(name):
    clear = {
        column.name
        for column in TABLES[name].columns
        if not isinstance(column.type, (SealedBytes, *UNPERSONAL_TYPES))
    }
    assert clear == set(CLEAR.get(name, "").split()), (
        "a personal value belongs in a SealedBytes column; what is none is listed, with its "
        "reason, in tests/structure/clear_columns.py"
    )


def test_clear_columns_are_of_tables_that_exist():
    assert CLEAR.keys() <= TABLES.keys()


def test_a_sealed_field_has_a_name_of_its_own():
    fields = [
        column.type.field
        for table in TABLES.values()
        for column in table.columns
        if isinstance(column.type, SealedBytes)
    ]
    assert sorted(set(fields)) == sorted(fields)


def test_there_is_one_head_and_files_are_named_as_their_migrations():
    script = ScriptDirectory.from_config(config())
    assert script.get_heads() == [migrated.head()]
    assert all(migrated.is_known(each.revision) for each in script.walk_revisions())
    assert not migrated.is_known("9999")


def test_the_migrated_store_has_the_tables_of_the_code(app):
    with app.app_context(), reading() as tx:
        assert differences(tx) == []


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has none
def test_keys_have_the_columns_that_are_read_with_them(app):
    with app.app_context(), reading() as tx:
        found = {name: inspect(tx).get_pk_constraint(name) for name in TABLES}
    included = {
        name: pk["dialect_options"]["postgresql_include"]
        for name, pk in found.items()
        if pk.get("dialect_options", {}).get("postgresql_include")
    }
    assert included == {
        name: table.primary_key.dialect_options["postgresql"]["include"]
        for name, table in TABLES.items()
        if table.primary_key.dialect_options["postgresql"]["include"]
    }
    assert included.keys() == {"customers", "identifier_index"}


def test_every_migration_goes_back_and_forth(app):
    with app.app_context(), unit_of_work() as tx:
        there = config(tx)
        command.downgrade(there, "base")
        assert set(inspect(tx).get_table_names()) <= {"alembic_version"}
        command.upgrade(there, "head")
        assert differences(tx) == []


def test_the_store_does_nothing_by_itself(app):
    with app.app_context(), reading() as tx:
        if tx.dialect.name == "sqlite":
            by_itself = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' OR name = 'sqlite_sequence'"
            )
        else:
            by_itself = (
                "SELECT tgname FROM pg_trigger UNION ALL SELECT sequencename FROM pg_sequences "
                "UNION ALL SELECT conname FROM pg_constraint WHERE contype = 'f' "
                "AND connamespace = 'public'::regnamespace"
            )
        assert tx.exec_driver_sql(by_itself).all() == []


def differences(tx):
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name != REST,
    }
    return compare_metadata(MigrationContext.configure(tx, opts=options), Base.metadata)


def config(tx=None):
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
    made.attributes["connection"] = tx
    return made
