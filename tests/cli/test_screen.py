"""`consent screen`: a file in, the permitted rows out, one entry in the log."""

import json
import os
import re

import pyarrow
import pytest
from pyarrow import parquet

from consent_service.crypto import keyring as keyrings
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop

ASKED = ("--purpose", "printed", "--recipient", "mailer")


@pytest.fixture
def shop(app, clock, api, make_client, token_for):
    """Ann is known, Ben objected; `printed` rests on legitimate interests."""
    made = Shop(app, clock, api, make_client("shop", EVERYTHING, RECIPIENTS), token_for)
    made.load()
    made.customer("ann@example.org")
    made.say(made.customer("ben@example.org"), "objected", "printed")
    return made


@pytest.fixture
def screen(consent, store, keyring):
    """`screen(file, …)`: the command on the test's own store; its result."""
    here = {"CONSENT_DATABASE_URL": store, "CONSENT_KEYRING": keyrings.dump(keyring)}
    return lambda file, *more: consent("screen", file, *(more or ASKED), **here)


@pytest.fixture
def audience(tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes(b"n,email\r\n1,ben@example.org\r\n2,Ann@Example.org\r\n3,nobody\r\n")
    return file


def screenings(shop):
    return [row for row in shop.rows("ledger_entries") if row["kind"] == "screening"]


def left_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_the_permitted_rows_and_no_other_are_written(screen, shop, audience, mode_of):
    result = screen(audience, *ASKED, "--campaign", "spring", "--touchpoint", "web", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    target = audience.with_name("people.permitted.csv")
    assert target.read_bytes() == b"n,email\r\n2,Ann@Example.org\r\n"
    assert mode_of(target) == "0o600"
    assert (told["rows"], told["permitted"], told["denied"]) == (3, 1, 1)
    assert told["reasons"] == {"legal_basis": 1, "objected": 1}
    assert told["unusable"] == {"not_usable": 1}
    assert told["permitted_to"] == str(target)
    assert left_in(audience.parent) == ["people.csv", "people.permitted.csv"]
    (entry,) = screenings(shop)
    assert re.fullmatch(r"cli:.+", entry["client_id"])
    assert (entry["recipient"], entry["touchpoint"]) == ("mailer", "web")
    (kept,) = shop.rows("screenings")
    assert json.loads(kept["payload"])["context"] == {"campaign": "spring", "touchpoint": "web"}


def test_it_is_told_in_words(screen, shop, audience):
    said = screen(audience).stdout.splitlines()
    assert said[0] == "Screened 3 rows, 1 permitted."
    assert "1  objected" in said[2]
    assert "1  rows that name nobody: not_usable" in said[3]
    assert str(audience.with_name("people.permitted.csv")) in said[4]
    assert "scr_" in said[5]


@pytest.mark.parametrize(("name", "more"), [("a.jsonl", ()), ("a.txt", ("--form", "ndjson"))])
def test_ndjson_has_no_summary_among_its_rows(screen, shop, tmp_path, name, more):
    file = tmp_path / name
    file.write_bytes(b'{"email": "ben@example.org"}\n{"email": "ann@example.org", "x": 1}')
    target = tmp_path / "out"
    assert screen(file, *ASKED, "--to", target, *more).exit_code == 0
    assert target.read_bytes() == b'{"email": "ann@example.org", "x": 1}\n'


def test_parquet_has_it_in_the_footer(screen, shop, tmp_path):
    file = tmp_path / "a.parquet"
    rows = [{"email": "ann@example.org", "n": 1}, {"email": "ben@example.org", "n": 2}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    assert screen(file).exit_code == 0
    found = parquet.ParquetFile(tmp_path / "a.permitted.parquet")
    assert found.read().to_pylist() == rows[:1]
    assert json.loads(found.metadata.metadata[b"consent.summary"])["permitted"] == 1


def test_what_is_there_is_replaced_only_when_told(screen, shop, audience):
    target = audience.with_name("people.permitted.csv")
    target.write_bytes(b"mine")
    refused = screen(audience)
    assert (refused.exit_code, target.read_bytes()) == (1, b"mine")
    assert "exists, and stays as it is" in refused.stderr
    assert screenings(shop) == []
    assert screen(audience, *ASKED, "--force").exit_code == 0
    assert target.read_bytes().startswith(b"n,email")
    before = audience.read_bytes()
    assert screen(audience, *ASKED, "--force", "--to", audience).exit_code == 1
    assert audience.read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--purpose", "nothing", "--recipient", "mailer"), "/purpose: Not in the catalogue."),
        (("--purpose", "printed", "--recipient", "mars"), "/recipient: Not in the catalogue."),
        ((*ASKED, "--data-category", "name", "--data-category", "x"), "/data_category: Not in"),
        ((*ASKED, "--touchpoint", "moon"), "/touchpoint: Not in the catalogue."),
        ((*ASKED, "--campaign", "ann@example.org"), "/campaign: Up to 64"),
        ((*ASKED, "--column", "phone"), "A column named as the people are"),
        ((*ASKED, "--form", "parquet"), "no whole Parquet file"),
        ((*ASKED, "--to", "/no/such/place/out.csv"), "No such file or directory"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(screen, shop, audience, asked, said):
    result = screen(audience, *asked)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert left_in(audience.parent) == ["people.csv"]
    assert screenings(shop) == []


def test_a_name_that_says_no_form_is_asked_for_one(screen, shop, tmp_path):
    file = tmp_path / "people.txt"
    file.write_bytes(b"")
    result = screen(file)
    assert result.exit_code == 2
    assert "--form" in result.stderr


def test_a_file_that_is_not_there_is_told(screen, tmp_path):
    assert screen(tmp_path / "none.csv").exit_code == 2


def test_nothing_is_logged_when_the_rows_cannot_be_kept(screen, shop, audience, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = screen(audience)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert left_in(audience.parent) == ["people.csv"]
    assert screenings(shop) == []
