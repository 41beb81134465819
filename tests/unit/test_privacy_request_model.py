"""The table of steps, every pair of states; holds; reminders."""

import itertools
from datetime import timedelta

import pytest
from msgspec.structs import replace

from consent_service.catalogue.model import REQUEST_KINDS
from consent_service.privacy_requests.model import (
    BEFORE_RUNNING,
    OPEN,
    Request,
    RequestKind,
    RequestState,
    StepKind,
    WrongState,
    hold,
    is_overdue,
    move,
    release,
    reminder_level,
    waits_for,
)
from tests.support.builders import NOW, an_id

ALLOWED = {
    "received": "confirmed rejected cancelled",
    "confirmed": "approved rejected extended cancelled",
    "extended": "approved rejected cancelled",
    "approved": "running cancelled",
    "running": "done failed",
    "rejected": "",
    "done": "",
    "failed": "",
    "cancelled": "",
}


def make_request(state="received", kind="access", **changes):
    request_id = an_id()
    values = {"received_at": NOW, "due_at": NOW + timedelta(days=30), **changes}
    return Request(request_id, request_id, True, RequestKind(kind), RequestState(state), **values)


@pytest.mark.parametrize(("before", "to"), list(itertools.product(RequestState, repeat=2)))
def test_a_request_goes_the_ways_there_are_and_no_other(before, to):
    request = make_request(before)
    if to in ALLOWED[before].split():
        assert move(request, to) == replace(request, state=to)
    else:
        with pytest.raises(WrongState):
            move(request, to)


def test_states_are_those_of_the_table():
    assert ALLOWED.keys() == set(RequestState)
    assert {"received", "confirmed", "extended", "approved", "running"} == OPEN
    assert set(RequestState) <= set(StepKind)
    assert set(REQUEST_KINDS) == set(RequestKind)


def test_no_way_leads_twice_to_the_same_state():
    """So that it is extended once at most, and every request ends."""

    def walk(state, been):
        for after in ALLOWED[state].split():
            assert after not in been
            walk(after, {*been, after})

    walk("received", {"received"})


@pytest.mark.parametrize("state", RequestState)
def test_what_is_held_does_not_run(state):
    request = make_request(state)
    if state not in BEFORE_RUNNING:
        with pytest.raises(WrongState):
            hold(request)
        return
    held = hold(request)
    for again in (lambda: hold(held), lambda: release(request)):
        with pytest.raises(WrongState):
            again()
    assert release(held) == request
    for to in RequestState:
        if to in ALLOWED[state].split() and to != "running":
            assert move(held, to).held
    if state == "approved":
        with pytest.raises(WrongState):
            move(held, RequestState.RUNNING)


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (timedelta(days=7, seconds=1), 0),
        (timedelta(days=7), 1),
        (timedelta(days=2, seconds=1), 1),
        (timedelta(days=2), 2),
        (timedelta(seconds=1), 2),
        (timedelta(0), 3),
        (timedelta(days=-9), 3),
    ],
)
def test_reminders_come_by_what_is_left(left, level):
    assert reminder_level(NOW + left, NOW) == level


@pytest.mark.parametrize("state", RequestState)
def test_only_what_is_open_is_overdue(state):
    late = make_request(state, due_at=NOW - timedelta(seconds=1))
    assert is_overdue(late, NOW) == (state in OPEN)
    assert not is_overdue(make_request(state, due_at=NOW), NOW)


def test_it_is_said_what_a_request_waits_for():
    def told(state, *, carried=True, **changes):
        return waits_for(make_request(state, **changes), has_carrier=carried)

    assert told("received") == "identity"
    assert told("confirmed") == told("extended") == "decision"
    assert told("approved", held=True) == "release"
    assert told("approved", carried=False) == "carrier"
    assert told("approved") is None
    assert told("running", kind="rectification") == "correction"
    assert told("running") is told("done") is told("failed") is None
