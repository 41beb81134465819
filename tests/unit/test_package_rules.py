"""The rules of packages that need no store."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from consent_service.crypto.envelope import Field, SealBroken, SealingKey, seal, unseal
from consent_service.kernel.errors import Invalid
from consent_service.packages import schema
from consent_service.packages.forms import csv_text, json_text
from consent_service.packages.gathered import Gathered
from consent_service.packages.model import (
    MOST_PART,
    Package,
    PackageState,
    content_type_of,
    is_to_be_made,
    piece_row,
)
from consent_service.packages.shape import BY_NAME, TABLES, details_of, tables
from tests.support.builders import CUSTOMER, NOW, an_id

WRITTEN = Path(__file__).parents[2] / "docs/package.schema.json"


def test_the_written_schema_is_that_of_the_code():
    assert WRITTEN.read_text(encoding="utf-8") == schema.text(), "run `make openapi`"


def test_no_column_stands_twice():
    for table in TABLES:
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names), table.name


def test_portability_is_a_part_of_access():
    portable = {table.name for table in tables(portable=True)}
    assert portable < {table.name for table in tables(portable=False)}
    assert not portable & {"log", "sources", "suppressions", "privacy_request_steps"}


def test_of_the_log_only_what_is_named_is_told():
    decision = {
        "context": {"campaign": "spring", "note": "x"},
        "asked_by": "email",
        "record_revision": 4,
        "new": "x",
    }
    assert details_of("decision", decision) == {
        "context": {"campaign": "spring"},
        "asked_by": "email",
    }
    by_staff = {"request": "req_1", "actor": "staff:olga", "words": "done", "reason": "x"}
    assert details_of("privacy_request", by_staff) == {"request": "req_1", "words": "done"}
    assert details_of("disclosure", {"decision": {"outcome": "permit", "recipient": "x"}}) == {
        "outcome": "permit"
    }
    assert details_of("new_kind", {"context": {"campaign": "x"}}) == {}


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(first):
    with Gathered(portable=False) as gathered:
        gathered.put("profile", [{"name": first + "n", "value": first + 'v"1', "extra": "no"}])
        text = b"".join(csv_text(BY_NAME["profile"], gathered)).decode("utf-8-sig")
    header, row = text.split("\r\n", 1)
    assert header == "name,value,source,party"
    assert row.count("'" + first) == 2
    assert "no" not in row


def test_what_is_put_aside_comes_back_whole_and_in_order():
    rows = [{"name": str(number), "value": "ж" * number} for number in range(2_000)]
    with Gathered(portable=True) as gathered:
        for table in tables(portable=True):
            gathered.put(table.name, rows if table.name == "profile" else [])
        assert [row["name"] for row in gathered.rows("profile")] == [row["name"] for row in rows]
        assert gathered.count("profile") == 2_000
        told = json.loads(b"".join(json_text({"format": "x"}, gathered)))
    assert [row["value"] for row in told["profile"]] == [row["value"] for row in rows]
    assert told["customer"] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.csv", "text/csv"), ("A.JSON", "application/json"), ("a_b-1.tar.zip", "application/zip")],
)
def test_the_end_of_a_name_says_what_it_is(name, found):
    assert content_type_of(name, MOST_PART) == found


@pytest.mark.parametrize(
    ("name", "size"), [("a.exe", 1), ("a", 1), ("a.csv", 0), ("a.csv", MOST_PART + 1), ("", 1)]
)
def test_all_else_is_refused(name, size):
    with pytest.raises(Invalid):
        content_type_of(name, size)


def test_a_package_waits_for_recipients_and_not_for_ever():
    waits_until = NOW + timedelta(days=29)
    package = Package(CUSTOMER, an_id(), an_id(), PackageState.WAITING, NOW, waits_until)
    assert is_to_be_made(package, (), NOW)
    assert not is_to_be_made(package, ("mailer",), waits_until - timedelta(seconds=1))
    assert is_to_be_made(package, ("mailer",), waits_until)


def test_a_piece_opens_in_its_place_alone():
    key, file = SealingKey.of(b"life", bytes(32)), an_id()
    places = [(file, 0, False), (file, 1, False), (file, 0, True), (an_id(), 0, False)]
    fields = [
        Field("package.piece", CUSTOMER, piece_row(f, n, is_last=last)) for f, n, last in places
    ]
    sealed = seal(key, fields[0], b"x")
    assert unseal(key, fields[0], sealed) == b"x"
    for field in fields[1:]:
        with pytest.raises(SealBroken):
            unseal(key, field, sealed)
