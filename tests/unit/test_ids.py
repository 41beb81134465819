import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.kernel import ids
from consent_service.kernel.errors import NotFound

uuids = st.uuids()


@given(uuids)
def test_a_customer_id_survives_its_text(value):
    text = ids.customer_id_text(ids.CustomerId(value))
    assert ids.parse_customer_id(text) == value
    assert len(text) == 30
    assert text.startswith("cus_")


@given(uuids, uuids)
def test_an_id_of_two_parts_survives_its_text(first, second):
    assert ids.decode("evt", ids.encode("evt", first, second), 2) == (first, second)


@given(uuids, uuids)
def test_texts_are_in_the_order_of_the_ids(first, second):
    assert (first < second) == (ids.encode("x", first) < ids.encode("x", second))


@given(st.text())
def test_any_other_text_is_an_unknown_id(text):
    with pytest.raises(NotFound):
        ids.parse_customer_id(text)


@given(st.text(min_size=26, max_size=26))
def test_any_other_text_of_the_right_length_is_an_unknown_id(body):
    try:
        value = ids.parse_customer_id("cus_" + body)
    except NotFound:
        return
    assert ids.customer_id_text(value) == "cus_" + body


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cus_",
        "cus",
        "evt_" + "0" * 26,
        "cus_" + "0" * 25,
        "cus_" + "0" * 27,
        "cus_" + "0" * 52,
        "cus_" + "z" * 26,
        "cus_8" + "0" * 25,
        "cus_" + "0" * 25 + "u",
        "CUS_" + "0" * 26,
        "cus_" + "0" * 25 + "A",
        "cus_" + "٠" * 26,
        " cus_" + "0" * 26,
    ],
)
def test_malformed_is_told_from_unknown_by_nobody(text):
    with pytest.raises(NotFound) as malformed:
        ids.parse_customer_id(text)
    assert malformed.value.text == NotFound().text
    assert malformed.value.__suppress_context__ or malformed.value.__context__ is None


def test_an_id_of_one_part_is_none_of_two():
    with pytest.raises(NotFound):
        ids.decode("evt", ids.encode("evt", ids.new_uuid()), 2)


def test_new_ids_are_of_version_7_and_hold_the_time():
    before = time.time_ns() // 1_000_000
    made = [ids.new_uuid() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert {value.version for value in made} == {7}
    assert {value.variant for value in made} == {UUID(int=0x8 << 60).variant}
    assert all(before <= value.int >> 80 <= after for value in made)
    assert len(set(made)) == 1_000


@given(st.lists(uuids, max_size=20))
def test_many_are_written_out_as_one_is(values):
    expected = [ids.base32(value.int) for value in values]
    assert ids.base32_all([str(value) for value in values]) == expected
    assert ids.base32_all([value.hex for value in values]) == expected


@given(st.lists(uuids, max_size=40))
def test_many_ids_are_read_and_written_as_one_is(values):
    texts = [ids.customer_id_text(ids.CustomerId(value)) for value in values]
    assert ids.parse_customer_ids(texts) == b"".join(value.bytes for value in values)
    assert ids.list_customer_ids(texts) == values
    assert ids.encode_all("cus", values) == texts
    assert ids.encode_all("x", values, values[::-1]) == [
        ids.encode("x", *each) for each in zip(values, values[::-1], strict=True)
    ]


@given(st.text(min_size=25, max_size=27), st.integers(0, 2))
def test_one_that_is_no_id_among_many_is_seen(body, at):
    texts = [ids.customer_id_text(ids.CustomerId(UUID(int=n))) for n in range(2)]
    texts.insert(at, "cus_" + body)
    try:
        ids.parse_customer_id("cus_" + body)
    except NotFound:
        assert ids.parse_customer_ids(texts) is None
        assert ids.list_customer_ids(texts) is None


@pytest.mark.parametrize("body", ["8" + "0" * 25, "0" * 25 + "\0", "0" * 25 + "u", "A" + "0" * 25])
def test_letters_that_are_none_of_ours_are_seen_among_many(body):
    assert ids.parse_customer_ids(["cus_" + body]) is None
    assert ids.parse_customer_ids(["kus_" + "0" * 26]) is None


def test_an_id_is_read_from_its_digits():
    made = ids.new_uuid()
    assert ids.uuid_of_hex(made.hex) == made
    assert hash(ids.uuid_of_hex(made.hex)) == hash(made)
