"""A check's body, read quickly or by its schema, is the same."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import ValidationError

from consent_service.decisions.quick import quick_batch, quick_check
from consent_service.decisions.schemas import BatchBody, CheckBody
from tests.support.problems import UNKNOWN

KEYS = st.sampled_from(["news", "a.b_1", "A", "a.", "", "a\n", "é", "a" * 64, "a" * 65, None, 3])
TEXTS = st.one_of(KEYS, st.text(max_size=4), st.none(), st.integers(), st.booleans())
FINDERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["email", "phone", "device", "customer_number", "x", None])},
    optional={
        "value": st.one_of(st.sampled_from(["Ann@Example.org", "+49 30 123456", "4711"]), TEXTS),
        "source": KEYS,
    },
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "purpose": KEYS,
        "customer_id": st.one_of(st.just(UNKNOWN), st.just(UNKNOWN.upper()), TEXTS),
        "identifier": st.one_of(FINDERS, TEXTS),
        "channel": st.one_of(st.sampled_from(["email", "sms", "fax"]), TEXTS),
        "data_categories": st.one_of(st.lists(KEYS, max_size=3), TEXTS),
        "recipient": KEYS,
        "context": st.one_of(
            st.dictionaries(
                st.sampled_from(["campaign", "touchpoint", "lifecycle_stage", "x"]),
                st.one_of(KEYS, st.sampled_from(["Spring:2026", "a b"])),
            ),
            TEXTS,
        ),
        "at_least_as_fresh": TEXTS,
        "unknown": TEXTS,
    },
)


@given(BODIES)
@example({"customer_id": UNKNOWN, "purpose": "news"})
@example({"customer_id": UNKNOWN, "purpose": "news", "channel": None})
@example({"customer_id": UNKNOWN, "purpose": "n", "context": {"campaign": "a\n"}})
@example(
    {"customer_id": UNKNOWN, "identifier": {"type": "email", "value": "a@b.de"}, "purpose": "n"}
)
def test_both_ways_come_to_the_same(body):
    quick = quick_check(body)
    try:
        wanted = CheckBody().load(body)
    except ValidationError:
        wanted = None
    assert quick is None or quick == wanted
    if wanted is not None:
        assert quick == wanted


@pytest.mark.parametrize(
    "body",
    [
        {"customer_id": UNKNOWN, "purpose": "news"},
        {
            "identifier": {"type": "email", "value": "Ann@Example.org"},
            "purpose": "news",
            "channel": "email",
            "data_categories": ["name"],
            "recipient": "mailer",
            "context": {"campaign": "Spring:2026", "touchpoint": "web"},
            "at_least_as_fresh": "x",
        },
    ],
)
def test_what_is_plainly_right_is_read_quickly(body):
    assert quick_check(json.loads(json.dumps(body))) == CheckBody().load(body)


@given(st.lists(BODIES, max_size=3))
def test_batches_too(bodies):
    body = {"checks": bodies}
    try:
        wanted = BatchBody().load(body)
    except ValidationError:
        wanted = None
    assert quick_batch(body) == wanted


def test_a_batch_is_neither_empty_nor_too_long_nor_anything_else():
    one = {"customer_id": UNKNOWN, "purpose": "news"}
    assert quick_batch({"checks": [one] * 10_000}) is not None
    for body in ({"checks": []}, {"checks": [one] * 10_001}, {"checks": one}, [], {}, None,
                 {"checks": [one], "more": 1}):  # fmt: skip
        assert quick_batch(body) is None


def test_what_is_no_object_is_left_to_the_schema():
    for body in (None, [], "x", 3, {}):
        assert quick_check(body) is None
