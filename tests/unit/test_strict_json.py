import json
from enum import Enum

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields
from werkzeug.exceptions import UnsupportedMediaType

from consent_service.kernel.errors import Invalid, Malformed
from consent_service.web.contracts import Contract
from consent_service.web.strict_json import StrictParser, field_errors, read_json


def sent(body, **headers):
    content_type = headers.pop("content_type", "application/json")
    raw = body if isinstance(body, bytes) else body.encode()
    return Request.from_values(method="POST", data=raw, content_type=content_type, headers=headers)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcß"), inner),
)


@given(json_values, st.booleans())
def test_json_is_read_as_it_was_written(value, ascii_only):
    assert read_json(sent(json.dumps(value, ensure_ascii=ascii_only))) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b'"\xed\xa0\x80"',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"1e999",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b'{"a": 1} x',
        b"9" * 5_000,
    ],
)
def test_what_is_no_json_is_malformed(body):
    with pytest.raises(Malformed):
        read_json(sent(body))


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        '[{"a": 1, "\\u0061": 2}]',
    ],
)
def test_a_name_that_stands_twice_is_malformed(body):
    with pytest.raises(Malformed):
        read_json(sent(body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b" ", "The body is empty; JSON is needed."),
        (b'{"a": 1,\n "b" 2}', "The body is not well-formed JSON: line 2, column 6."),
        (b'{"a": "\xff"}', "The body is not UTF-8."),
        (b'{"a": {"b": 1, "b": 2}}', "no JSON that is taken: a name stands twice in an object."),
        (b'{"a": NaN}', "no JSON that is taken: NaN and Infinity are no numbers."),
        (b"1e999", "no JSON that is taken: a number is too large."),
        (b"9" * 5_000, "nested too deep, or has a number that is too long."),
        (b"[" * 100_000, "nested too deep, or has a number that is too long."),
    ],
)
def test_it_is_said_what_is_malformed(body, said):
    with pytest.raises(Malformed) as caught:
        read_json(sent(body))
    assert caught.value.text.endswith(said)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/problem+json"],
)
def test_another_type_is_refused(content_type):
    with pytest.raises(UnsupportedMediaType):
        read_json(sent("{}", content_type=content_type))


def test_a_charset_does_not_matter():
    assert read_json(sent("{}", content_type="application/json; charset=utf-8")) == {}


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused(coding):
    with pytest.raises(UnsupportedMediaType):
        read_json(sent("{}", **{"Content-Encoding": coding}))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a": "x\\u0000y"}', "/a"),
        ('{"a": [{"b": "\\ud800"}]}', "/a/0/b"),
        ('{"a": "\\uDFFF"}', "/a"),
        ('"\\u0000"', ""),
        ('{"a": {"\\u0000": 1}}', "/a"),
        ('{"name with blanks": "\\u0000"}', ""),
    ],
)
def test_text_that_no_store_takes_is_invalid_where_it_stands(body, pointer):
    with pytest.raises(Invalid) as raised:
        read_json(sent(body))
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == (pointer, "invalid_text")


def test_a_letter_outside_the_basic_plane_is_text():
    assert read_json(sent('"\\ud83d\\ude00"')) == "😀"


class Inner(Contract):
    value = fields.String(required=True)


class Outer(Contract):
    number = fields.Integer(required=True)
    items = fields.List(fields.Nested(Inner))


def faults(schema, value):
    with pytest.raises(ValidationError) as raised:
        schema().load(value)
    return {(e.pointer, e.code) for e in field_errors(raised.value.messages)}


def test_each_fault_is_told_with_its_place():
    body = {"items": [{"value": "x"}, {"value": None}, {}], "other": 1}
    assert faults(Outer, body) == {
        ("/number", "required"),
        ("/items/1/value", "null"),
        ("/items/2/value", "required"),
        ("/other", "unknown_field"),
    }


@pytest.mark.parametrize("name", ["anna@example.org", "a" * 65, "a/b", "", "ключ"])
def test_a_name_that_may_be_a_value_is_not_repeated(name):
    assert faults(Outer, {"number": 1, name: 1}) == {("", "unknown_field")}


def test_no_message_repeats_a_value():
    class Every(Schema):
        text = fields.String()
        number = fields.Integer()
        instant = fields.AwareDateTime()
        choice = fields.Enum(Enum("Choice", "A B"))

    secret = "anna@example.org"
    with pytest.raises(ValidationError) as raised:
        Every().load({"text": [secret], "number": secret, "instant": secret, "choice": secret})
    told = field_errors(raised.value.messages)
    assert len(told) == 4
    assert secret not in repr(told)


def test_a_query_parameter_that_stands_twice_is_invalid():
    request = Request.from_values("/?limit=1&limit=2&cursor=x")
    with pytest.raises(Invalid) as raised:
        StrictParser().load_querystring(request, None)
    assert [error.code for error in raised.value.errors] == ["repeated"]


def test_query_parameters_are_plain_text():
    request = Request.from_values("/?limit=1&cursor=x%20y")
    assert StrictParser().load_querystring(request, None) == {"limit": "1", "cursor": "x y"}


few_texts = st.dictionaries(
    st.sampled_from(["a", "b", 'c"', "d:", "é", "\\", ""]),
    json_values | st.text('ab":,{} \\é'),
    max_size=4,
)


@given(few_texts, st.booleans())
def test_small_objects_are_read_as_large_ones_are(body, spaced):
    separators = (" , ", " : ") if spaced else (",", ":")
    text = json.dumps(body, separators=separators, ensure_ascii=False)
    assert read_json(sent(text)) == read_json(sent(text + " " * 5_000)) == body


@pytest.mark.parametrize("space", ["", " ", "\n\t"])
@pytest.mark.parametrize(
    "body",
    [
        '{"a"%:"b","a"%:"c"}',
        '{"a"%:"b","a"%:"b"}',
        '{"a"%:"","b"%:"","a"%:""}',
        '{"a"%:"b","a"%:1}',
        '{"a"%:"b","\\u0061"%:"c"}',
        '{"a"%:"b\x01"}',
        '{"a"%:"\x00"}',
        '{"a"%:"b"},',
        '{"a"%:"b"}{}',
        "{'a'%:'b'}",
        '{"a"%:"b",}',
    ],
)
def test_what_is_refused_of_large_bodies_is_refused_of_small_ones(body, space):
    text = body.replace("%", space)
    for sent_so in (text, text + " " * 5_000):
        with pytest.raises((Malformed, Invalid)):
            read_json(sent(sent_so))


@pytest.mark.parametrize(
    "raw", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'\xef\xbb\xbf{"a":"b"}']
)
def test_texts_that_are_not_utf_8_are_refused(raw):
    for sent_so in (raw, raw + b" " * 5_000):
        with pytest.raises(Malformed):
            read_json(sent(sent_so))
