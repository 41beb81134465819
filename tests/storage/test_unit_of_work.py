import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from flask import current_app
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from consent_service.kernel.errors import Unavailable
from consent_service.oauth.tables import ClientRow
from consent_service.storage.direct import Refused, direct
from consent_service.storage.prepared import Prepared
from consent_service.storage.together import Adding, Changing, Together
from consent_service.storage.unit_of_work import reading, snapshot, unit_of_work

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_app(app):
    with app.app_context():
        yield


def add(tx, name):
    tx.execute(
        insert(ClientRow).values(id=name, name="0", scopes="", recipients="", created_at=NOW)
    )


def names():
    with reading() as tx:
        return set(tx.scalars(select(ClientRow.id)))


def test_a_unit_is_committed_at_its_end():
    with unit_of_work() as tx:
        add(tx, "one")
    assert names() == {"one"}


def test_a_unit_that_raises_leaves_nothing():
    def failing():
        with unit_of_work() as tx:
            add(tx, "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert names() == set()


def test_an_inner_unit_joins_the_outer_one():
    with unit_of_work() as outer:
        add(outer, "one")
        with unit_of_work() as inner:
            assert inner is outer
            add(inner, "two")
        with reading() as tx:
            assert tx is outer
    assert names() == {"one", "two"}


def test_an_inner_unit_goes_with_the_outer_one():
    def failing():
        with unit_of_work():
            with unit_of_work() as inner:
                add(inner, "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert names() == set()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("door", [unit_of_work, snapshot])
def test_who_goes_on_after_the_connection_was_lost_is_told_at_the_end(door):
    def go_on():
        with door() as tx:
            with suppress(DBAPIError):
                tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"))
            assert tx.invalidated

    with pytest.raises(Unavailable):
        go_on()
    with door() as tx:
        assert tx.scalar(text("SELECT 1")) == 1


def test_the_next_unit_is_a_new_one_after_a_failure():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        raise ZeroDivisionError
    with unit_of_work() as tx:
        add(tx, "one")
    assert names() == {"one"}


ADD = Prepared(insert(ClientRow))
NEW = {"name": "0", "scopes": "", "recipients": "", "created_at": NOW, "disabled_at": None,
       "last_used_at": None, "kind": "service", "redirect_uris": "", "jwks": None,
       "auth_method": "client_secret_basic"}  # fmt: skip


def test_what_goes_directly_first_of_all_goes_with_its_unit():
    def failing():
        with unit_of_work():
            with direct() as door:
                door.execute(ADD, id="one", **NEW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert names() == set()


def test_what_goes_directly_is_understood_after_units_that_failed():
    """The driver has the store forget what it prepared."""

    def failing(at):
        with unit_of_work() as tx:
            with direct() as door:
                door.execute(ADD, id=f"first{at}", **NEW)
            add(tx, f"then{at}")
            raise ZeroDivisionError

    for at in range(12):
        with pytest.raises(ZeroDivisionError):
            failing(at)
    assert names() == set()


RENAME = Changing(
    ClientRow,
    (ClientRow.id == bindparam("was_id")) & (ClientRow.name == bindparam("was_name")),
    {"name": bindparam("name")},
)
RENAME_AND_ADD = Together(RENAME, [Adding(ClientRow, "", ["name"])])


def rename_and_add(was, added, name):
    values = {**NEW, "was_id": "one", "was_name": was, "id": added, "name": name}
    with direct() as door:
        return RENAME_AND_ADD.carry_out(door, **values)


def test_writes_go_together_or_not_at_all():
    with unit_of_work() as tx:
        add(tx, "one")
    assert not rename_and_add("another", "two", "1")
    assert names() == {"one"}
    assert rename_and_add("0", "two", "1")
    assert names() == {"one", "two"}
    with pytest.raises(Refused):
        rename_and_add("1", "two", "2")  # somebody is called so
    with reading() as tx:
        assert set(tx.scalars(select(ClientRow.name))) == {"1"}
    assert rename_and_add("1", "three", "2")  # the connection is as it was


def test_writes_that_go_together_go_with_their_unit():
    with unit_of_work() as tx:
        add(tx, "one")

    def failing():
        with unit_of_work():
            assert rename_and_add("0", "two", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert names() == {"one"}
    assert rename_and_add("0", "two", "1")


def test_of_writes_at_once_that_go_together_one_is_first():
    with unit_of_work() as tx:
        add(tx, "one")
    done = []
    in_thread(*[lambda at=at: done.append(rename_and_add("0", f"two{at}", "1")) for at in range(6)])
    assert sorted(done) == [False] * 5 + [True]
    assert len(names()) == 2


def test_nobody_else_sees_what_is_not_committed():
    seen = []
    with unit_of_work() as tx:
        add(tx, "one")
        in_thread(lambda: seen.append(names()))
    assert seen == [set()]
    assert names() == {"one"}


def test_each_statement_of_a_reading_sees_what_is_committed():
    def write():
        with unit_of_work() as tx:
            add(tx, "one")

    with reading() as tx:
        assert tx.scalars(select(ClientRow.id)).all() == []
        in_thread(write)
        assert tx.scalars(select(ClientRow.id)).all() == ["one"]


@pytest.mark.parametrize("lock", [True, False], ids=["row lock", "one statement"])
def test_no_increment_is_lost(app, lock):
    with unit_of_work() as tx:
        add(tx, "counter")

    def increment():
        for _ in range(50):
            with unit_of_work() as tx:
                if lock:
                    found = select(ClientRow.name).where(ClientRow.id == "counter")
                    counted = int(tx.scalars(found.with_for_update()).one()) + 1
                    value = str(counted)
                else:
                    value = text("CAST(CAST(name AS INTEGER) + 1 AS VARCHAR(200))")
                tx.execute(update(ClientRow).where(ClientRow.id == "counter").values(name=value))

    in_thread(*[increment] * 4)
    with reading() as tx:
        assert tx.scalars(select(ClientRow.name)).one() == "200"


def in_thread(*calls):
    """Runs each call in a thread and an app context of its own; what they raise is raised."""
    app, failures = current_app._get_current_object(), []

    def run(call):
        try:
            with app.app_context():
                call()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
