import threading
from datetime import UTC, datetime

import pytest
from flask import current_app
from sqlalchemy import insert, select, text, update

from consent_service.oauth.tables import ClientRow
from consent_service.storage.unit_of_work import reading, unit_of_work

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


def test_the_next_unit_is_a_new_one_after_a_failure():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        raise ZeroDivisionError
    with unit_of_work() as tx:
        add(tx, "one")
    assert names() == {"one"}


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
