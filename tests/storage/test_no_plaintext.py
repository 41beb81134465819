"""After the import nothing of the sample stands readable in what the database writes down.

What is searched for: every address, phone, IP and name of six bytes or more, as given and as
normalised, in UTF-8, UTF-16 and hexadecimal. What the store holds before the import (texts of
the catalogue have words that are names too) is left out, and is next to nothing.
"""

import csv
import glob
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import make_url

from consent_service import imports as sample
from consent_service.catalogue.model import Channel
from consent_service.customers.model import IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.imports import service
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.web.runtime import keys
from tests.support.later import accepted, ask, ndjson, work
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop

SHORTEST = 6
PERSONAL = {
    *("Email Address", "First Name", "Last Name", "Phone Number", "OPTIN_IP", "CONFIRM_IP"),
}


def sample_values():
    found = set()
    with zipfile.ZipFile(sample.sample_path()) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8-sig")
            for row in csv.DictReader(io.StringIO(text, newline="")):
                found |= {row[column].strip() for column in PERSONAL}
                found |= normalised(IdentifierType.EMAIL, row["Email Address"], None)
                found |= normalised(IdentifierType.PHONE, row["Phone Number"], row["CC"])
    return {value for value in found if len(value.encode()) >= SHORTEST}


def normalised(kind, given, region):
    try:
        return {identifier(kind, given, None, region or None).value}
    except NotUsable:
        return set()


def forms(value):
    plain = value.encode()
    return plain, value.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode()


def occurring(values, written):
    """Those of the values that stand in what was written, by one walk over it."""
    by_start = {}
    for value in values:
        for form in forms(value):
            by_start.setdefault(form[:SHORTEST], []).append((form, value))
    found = set()
    for at in range(len(written) - SHORTEST + 1):
        for form, value in by_start.get(written[at : at + SHORTEST], ()):
            if written.startswith(form, at):
                found.add(value)
    return found


def written_down(store):
    url = make_url(store)
    if url.get_backend_name() == "sqlite":
        files = sorted(glob.glob(url.database + "*"))
        assert any(name.endswith("-wal") for name in files)
        return b"".join(Path(name).read_bytes() for name in files)
    found = shutil.which("pg_dump") or sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_dump"))[-1]
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run([found, plain], check=True, capture_output=True).stdout


@pytest.mark.usefixtures("sample_catalogue")
def test_nothing_of_the_sample_is_readable(app, store, clock):
    with app.app_context():
        before = written_down(store)
        options = ImportOptions("marketing.newsletter", Channel.EMAIL, "import")
        found = service.import_mailchimp(
            sample.sample_path(), options, SYSTEM, clock(), keys(), lambda _: None
        )
        after = written_down(store)
    assert found.customers_created > 2_900
    assert len(after) > len(before) + 1_000_000
    values = sample_values()
    chance = occurring(values, before)
    assert len(chance) < 10
    assert occurring(values - chance, after) == set()


def test_nothing_of_an_audience_that_waits_is_readable(
    app, store, clock, api, make_client, token_for
):
    shop = Shop(app, clock, api, make_client("shop", EVERYTHING, RECIPIENTS), token_for)
    shop.load()
    shop.say(shop.customer("wilhelmina@example.org"), "given")
    people = ["wilhelmina@example.org", "bartholomew@example.org", "+493012345678"]
    rows = [{"email": people[0], "note": "Wilkerson"}, {"email": people[1]}, {"phone": people[2]}]
    where = accepted(ask(shop, ndjson(*rows) * 1_000, campaign="harvest-canary"))
    values = {*people, "Wilkerson", "harvest-canary"}
    assert occurring(values, written_down(store)) == set()
    assert work(shop) == 1
    assert b"Wilkerson" in shop.api.get(shop.api.get(where).json["result_url"]).get_data()
    assert occurring(values - {"harvest-canary"}, written_down(store)) == set()


def test_the_search_finds_what_is_there():
    values = {"p000001.mail@example.org", "217.159.111.59", "Wilkerson"}
    text = (
        b"x"
        + "Wilkerson".encode("utf-16-le")
        + b"..217.159.111.59.."
        + b"p000001.mail@".hex().encode()
    )
    assert occurring(values, text) == {"217.159.111.59", "Wilkerson"}
