"""A body of events, read quickly or by its schema, is the same."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import ValidationError

from consent_service.consents.quick import quick_events
from consent_service.consents.schemas import EventsBody
from tests.support.problems import UNKNOWN
from tests.unit.test_quick_check import FINDERS, KEYS, TEXTS

TIMES = st.sampled_from(
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.5Z",
     "2026-01-02T03:04:05+01:00", "2026-01-02t03:04:05z", "2026-01-02 03:04:05Z",
     "2026-02-30T00:00:00Z",
     "1899-12-31T23:59:59Z", "9000-01-01T00:00:00Z", "9001-01-01T00:00:00Z", "2026-01-02T24:00:00Z",
     "2026-01-02T23:59:60Z", "2026-01-02T03:04:05Z\n", "\u0662026-01-02T03:04:05Z",
     "2026-01-02T03:04Z"]
)  # fmt: skip
ENTRIES = st.dictionaries(
    st.sampled_from(["form", "", "x" * 64, "x" * 65]),
    st.one_of(TEXTS, st.just(["a", {"b": [1]}]), st.just("x" * 4_000)),
    max_size=2,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "purpose": KEYS,
        "event": st.one_of(st.sampled_from(["given", "withdrawn", "requested", "x"]), TEXTS),
        "touchpoint": KEYS,
        "captured_at": st.one_of(TIMES, TEXTS),
        "customer_id": st.one_of(st.just(UNKNOWN), TEXTS),
        "identifier": st.one_of(FINDERS, TEXTS),
        "channel": st.one_of(st.sampled_from(["email", "fax"]), TEXTS),
        "notice_version": TEXTS,
        "language": st.one_of(st.sampled_from(["en", "zh-Hans", "e", "en-", "en\n"]), TEXTS),
        "context": st.one_of(
            st.dictionaries(st.sampled_from(["lifecycle_stage", "x"]), KEYS), TEXTS
        ),
        "evidence": st.one_of(ENTRIES, TEXTS),
        "agent": TEXTS,
        "guardian": st.one_of(ENTRIES, TEXTS),
        "unknown": TEXTS,
    },
)
RIGHT = {
    "customer_id": UNKNOWN, "purpose": "news", "event": "given", "touchpoint": "web",
    "captured_at": "2026-01-02T03:04:05.678901Z",
}  # fmt: skip
FULL = RIGHT | {
    "channel": "email", "notice_version": "1", "language": "zh-Hans", "agent": "4711",
    "context": {"lifecycle_stage": "welcome"}, "evidence": {"form": ["a", {"b": 1}]},
    "guardian": {"name": "Ann"},
}  # fmt: skip


def by_schema(body):
    try:
        return EventsBody().load(body)
    except ValidationError:
        return None


@given(BODIES)
@example(RIGHT | {"evidence": {"form": float("nan")}})
@example(RIGHT | {"channel": None})
def test_both_ways_come_to_the_same(body):
    quick = quick_events(body)
    assert quick is None or quick == by_schema(body)


@given(TIMES)
def test_times_too(text):
    quick = quick_events(RIGHT | {"captured_at": text})
    assert quick is None or quick == by_schema(RIGHT | {"captured_at": text})


@pytest.mark.parametrize(
    "body", [RIGHT, FULL, {"events": [RIGHT, FULL]}], ids=["least", "all", "two"]
)
def test_what_is_plainly_right_is_read_quickly(body):
    found = quick_events(body)
    assert found == by_schema(body)
    one = found["events"][0] if "events" in found else found
    assert one["captured_at"] == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@given(st.lists(BODIES, max_size=3))
def test_many_too(bodies):
    quick = quick_events({"events": bodies})
    assert quick is None or quick == by_schema({"events": bodies})


@pytest.mark.parametrize(
    "body",
    [{"events": []}, {"events": [RIGHT] * 1_001}, {"events": RIGHT}, {"events": [RIGHT], "more": 1},
     {"events": [RIGHT], **RIGHT}, [], {}, None, "x", {"events": [RIGHT, None]}],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_body_of_events_is_left_to_the_schema(body):
    assert quick_events(body) is None
