"""How a connection to PostgreSQL is set up, whatever its role, database or URL have otherwise."""

import pytest
from sqlalchemy import make_url, text

from consent_service.app import create_app
from consent_service.kernel.errors import Unavailable
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support.stores import settings_for

pytestmark = pytest.mark.parametrize("store", ["postgresql"], indirect=True)

WANTED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "statement_timeout": "30s",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "client_encoding": "UTF8",
    "default_transaction_read_only": "off",
}
OTHERWISE = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German, DMY",
    "statement_timeout": "1s",
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
}


@pytest.fixture
def alter(app):
    """`alter(name, value)`: what the database has for connections that are made from now on."""

    def act(name, value):
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            database = connection.scalar(text("SELECT quote_ident(current_database())"))
            connection.exec_driver_sql(f"ALTER DATABASE {database} SET {name} = '{value}'")
        db.engine.dispose()

    with app.app_context():
        yield act
        db.engine.dispose()


def shown(*names):
    with reading() as tx:
        return {name: tx.scalar(text(f"SHOW {name}")) for name in names}


def test_settings_of_the_database_do_not_count(alter):
    for name, value in OTHERWISE.items():
        alter(name, value)
    assert shown(*WANTED) == WANTED


def test_options_of_the_url_count_beside_ours(app, alter, store, keyring):
    options = "-c work_mem=8MB -c statement_timeout=0"
    url = make_url(store).update_query_dict({"options": options})
    other = create_app(settings_for(url.render_as_string(hide_password=False), keyring))
    with other.app_context():
        asked = shown("work_mem", "statement_timeout")
        db.engine.dispose()
    assert asked == {"work_mem": "8MB", "statement_timeout": "30s"}


def test_who_may_only_be_read_from_is_not_asked(alter):
    """A standby may be behind: what it says is no answer."""
    alter("default_transaction_read_only", "on")
    for door in (reading, unit_of_work):
        with pytest.raises(Unavailable), door() as tx:
            tx.execute(text("SELECT 1"))
