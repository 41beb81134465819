import unicodedata

import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_service.customers.model import IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier

EMAIL, PHONE = IdentifierType.EMAIL, IdentifierType.PHONE
DEVICE, NUMBER = IdentifierType.DEVICE, IdentifierType.CUSTOMER_NUMBER


def value(kind, text, region=None):
    return identifier(kind, text, None, region).value


def is_refused(kind, text, region=None):
    try:
        identifier(kind, text, None, region)
    except NotUsable:
        return True
    return False


# --- E-mail


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Ann.Example@Example.ORG", "ann.example@example.org"),
        ("  ann@example.org\n", "ann@example.org"),
        ("ann.b.c+tag@example.org", "ann.b.c+tag@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
        ("ann@example。org", "ann@example.org"),
        ("ﬁnn@example.org", "finn@example.org"),
        ("Straße@example.org", "strasse@example.org"),
        ("STRASSE@example.org", "strasse@example.org"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@faß.example", "ann@xn--fa-hia.example"),
        ("Mañana@example.org", "mañana@example.org"),
        ("man\u0303ana@example.org", "mañana@example.org"),
        ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ("Анна@example.org", "анна@example.org"),
        ("😀@example.org", "😀@example.org"),
    ],
)
def test_an_address_has_one_form(written, found):
    assert value(EMAIL, written) == found


def test_dots_and_tags_are_the_provider_s_business():
    forms = ["a.nn@example.org", "ann@example.org", "ann+x@example.org", "an.n@example.org"]
    assert len({value(EMAIL, form) for form in forms}) == len(forms)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@example",
        "ann@example..org",
        "ann@example.org.",
        "ann@-x.org",
        "ann..b@example.org",
        ".ann@example.org",
        "ann@exa mple.org",
        "ann@1.2.3.4",
        "ann@[1.2.3.4]",
        '"ann b"@example.org',
        "Ann <ann@example.org>",
        "ann@example.org, bob@example.org",
        "ann@😀.example",
        "ann@xn--a.example",
        "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + ".org",
        "a" * 5_000 + "@example.org",
        "ann@" + "a." * 5_000 + "org",
        "=cmd@example.org\x00",
    ],
)
def test_what_is_no_address_is_refused(text):
    assert is_refused(EMAIL, text)


HIDDEN = {
    "null": "\x00",
    "bell": "\x07",
    "line end": "\n",
    "delete": "\x7f",
    "next line": "\x85",
    "soft hyphen": "\xad",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "left to right mark": "\u200e",
    "right to left override": "\u202e",
    "line separator": "\u2028",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "private use": "\ue000",
    "half a letter": "\ud800",
    "not assigned": "\u0378",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize(
    ("kind", "text"),
    [(EMAIL, "an{}n@example.org"), (EMAIL, "ann@exam{}ple.org"), (NUMBER, "12{}34"),
     (DEVICE, "0123456789{}abcdef")],
)  # fmt: skip
def test_what_does_not_show_is_refused(kind, text, hidden):
    assert is_refused(kind, text.format(hidden))


@settings(max_examples=300)
@given(
    st.from_regex(r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~.]{1,30}@[A-Za-z0-9.\-]{1,30}", fullmatch=True)
)
def test_the_short_way_of_a_plain_address_agrees_with_the_library(text):
    try:
        checked = validate_email(text, check_deliverability=False)
    except ValueError:
        assert is_refused(EMAIL, text)
    else:
        assert value(EMAIL, text) == f"{checked.local_part}@{checked.ascii_domain}".casefold()


# --- Phone


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("+49 30 1234567", "+49301234567"),
        ("+49 (0)30 1234567", "+49301234567"),
        ("(+49) 30/123-45.67", "+49301234567"),
        ("+49\u200930\u20131234567", "+49301234567"),
        ("＋４９３０１２３４５６７", "+49301234567"),
        ("+٤٩٣٠١٢٣٤٥٦٧", "+49301234567"),
        ("\u202a+49 30 1234567\u202c", "+49301234567"),
        ("\u200e+49\u200b301234567\ufeff", "+49301234567"),
        ("tel:+1-202-555-0100", "+12025550100"),
        ("+39 06 1234567", "+39061234567"),
    ],
)
def test_a_number_has_one_form(written, found):
    assert value(PHONE, written) == found


@pytest.mark.parametrize(
    ("written", "region", "found"),
    [("030 1234567", "DE", "+49301234567"), ("+1 202 555 0100", "DE", "+12025550100")],
)
def test_a_national_number_needs_its_country(written, region, found):
    assert value(PHONE, written, region) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+1",
        "030 1234567",
        "0049301234567",
        "+999999999999999",
        "+493012345678901234567",
        "+" + "1" * 5_000,
        "+1 202 555 0100 ext 5",
        "+1 202 555 0100;ext=3",
        "+1800FLOWERS",
        "+49 30 abc",
        "call +49 30 1234567 now",
        "+49 30 1234567😀",
        "+49 30 123\x004567",
        "+49 30 123\n4567\x07",
        "\u202e\u202c",
    ],
)
def test_what_is_no_number_is_refused(text):
    assert is_refused(PHONE, text)


def test_a_national_number_of_nowhere_is_refused():
    assert is_refused(PHONE, "030 1234567", "ZZ")


# --- The others


def test_a_customer_number_is_taken_as_it_is():
    assert value(NUMBER, " K-１２３ b ") == "K-123 b"
    assert value(NUMBER, "abc") != value(NUMBER, "ABC")
    assert value(NUMBER, "x" * 64) == "x" * 64
    assert value(NUMBER, "№ 7") == "No 7"


@pytest.mark.parametrize("text", ["", "x" * 65, "ﷺ" * 10])
def test_a_customer_number_has_its_bounds(text):
    assert is_refused(NUMBER, text)


def test_a_device_id_is_long_and_plain():
    assert value(DEVICE, "0123456789abcdef") == "0123456789abcdef"
    assert value(DEVICE, "A" * 128) == "A" * 128
    for text in ("0" * 15, "0" * 129, "0123456789abcde/", "0123456789abcde é", "😀" * 16):
        assert is_refused(DEVICE, text)


# --- All of them


@settings(max_examples=500)
@given(st.sampled_from(list(IdentifierType)), st.text(max_size=400))
def test_any_text_is_an_identifier_or_refused(kind, text):
    if not is_refused(kind, text):
        found = identifier(kind, text)
        assert found.value == value(kind, found.value)
        assert found.value.isprintable()
        assert 1 <= len(found.value) <= 340
        assert found.given == text.strip()


@given(st.emails())
def test_the_form_of_an_address_does_not_change_again(text):
    if not is_refused(EMAIL, text):
        once = value(EMAIL, text)
        assert value(EMAIL, once) == once
        assert value(EMAIL, text.upper()) == once
        assert value(EMAIL, unicodedata.normalize("NFD", text)) == once


def test_a_refusal_and_a_repr_repeat_nothing():
    with pytest.raises(NotUsable) as refused:
        identifier(EMAIL, "zq-canary at example.org")
    assert "zq-canary" not in str(refused.value)
    assert "zq-canary" not in repr(identifier(EMAIL, "zq-canary@example.org"))
