"""The third door: connections are handed on, and none that is gone."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import (
    Integer,
    String,
    Uuid,
    bindparam,
    select,
    text,
)

from consent_service.kernel.errors import Unavailable
from consent_service.storage import direct as doors
from consent_service.storage.db import db
from consent_service.storage.direct import direct
from consent_service.storage.prepared import Prepared
from consent_service.storage.types import UtcDateTime
from consent_service.storage.unit_of_work import unit_of_work

ONLY_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # it hangs up
ONE = Prepared(select(bindparam("one", 1, type_=Integer()).label("one")))
VALUES = {
    "words": (String(), "Ünïcode ' \\ \""),
    "number": (Integer(), -(2**31)),
    "name": (Uuid(), UUID(int=(1 << 128) - 1)),
    "moment": (UtcDateTime(), datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    "none": (Uuid(), None),
}
EVERY = Prepared(select(*(bindparam(n, type_=kind).label(n) for n, (kind, _) in VALUES.items())))


@pytest.fixture
def app(app):
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def gone(app):
    """`gone(door)`: the store ends its side of a connection."""

    def end(door):
        pid = door._connection.driver_connection.info.backend_pid
        with unit_of_work() as tx:
            assert tx.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    return end


def ask():
    with direct() as door:
        assert door.rows(ONE) == [[1]]
        return door


@pytest.mark.usefixtures("app")
def test_a_door_is_handed_on_and_shared_within_one_use():
    with direct() as first, direct() as again:
        assert again is first
    assert ask() is first
    with direct() as held:
        assert held is first
    assert ask() is first


@pytest.mark.usefixtures("app")
def test_values_come_through_as_they_are():
    given = {name: value for name, (_, value) in VALUES.items()}
    with direct() as door:
        (found,) = door.rows(EVERY, **given)
    assert dict(zip(given, found, strict=True)) == given


@ONLY_POSTGRESQL
def test_what_the_store_hung_up_is_unavailable_once(gone):
    first = ask()
    gone(first)
    with pytest.raises(Unavailable):
        ask()
    assert ask() is not first


@ONLY_POSTGRESQL
def test_what_lay_idle_is_asked_whether_it_is_there(gone, monkeypatch):
    monkeypatch.setattr(doors, "IDLE_S", 0.0)
    first = ask()
    assert ask() is first
    gone(first)
    assert ask() is not first
