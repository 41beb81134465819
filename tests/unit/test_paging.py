import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.kernel.errors import Invalid
from consent_service.kernel.paging import decode_cursor, encode_cursor

storable = st.text(st.characters(exclude_categories=["Cs"]))


@given(storable, storable)
def test_a_cursor_leads_back_to_its_position(position, bound_to):
    assert decode_cursor(encode_cursor(position, bound_to), bound_to) == position


@given(storable, storable)
def test_a_cursor_fits_into_an_address(position, bound_to):
    assert set(encode_cursor(position, bound_to)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_a_cursor_of_another_filter_is_refused():
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor("7", "purpose=a"), "purpose=b")


def test_a_cursor_does_not_repeat_its_filter():
    cursor = encode_cursor("7", "anna@example.org")
    assert b"anna" not in base64.urlsafe_b64decode(cursor + "==")


@given(st.text())
def test_any_other_text_is_refused(text):
    with pytest.raises(Invalid) as raised:
        decode_cursor(text, "")
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == ("/cursor", "invalid_cursor")


@pytest.mark.parametrize(
    "body", ["null", "7", "[]", '["a"]', '["a","b","c"]', '{"a":1}', '[7,"x"]', "[" * 10_000]
)
def test_json_of_another_shape_is_refused(body):
    cursor = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
    with pytest.raises(Invalid):
        decode_cursor(cursor, "")


def test_a_position_that_is_no_text_is_refused():
    good = encode_cursor("7", "")
    _, digest = json.loads(base64.urlsafe_b64decode(good + "=="))
    forged = base64.urlsafe_b64encode(json.dumps([7, digest]).encode()).decode().rstrip("=")
    with pytest.raises(Invalid):
        decode_cursor(forged, "")
