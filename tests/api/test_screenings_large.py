"""Audiences that are worked on in more than one piece, and what happens while they are."""

import io
import json
import random
from datetime import timedelta

import pyarrow
import pytest
from pyarrow import parquet

from consent_service.catalogue.model import Channel
from consent_service.crypto.spool import Spool
from consent_service.decisions.model import Question
from consent_service.screenings import forms, judging, lanes, service
from consent_service.screenings import parquet as parquet_form
from consent_service.screenings.judging import judge_audience
from consent_service.screenings.model import FormKind, Request
from consent_service.web.runtime import keys
from tests.support.audiences import CSV, PARQUET, answered, hashed, ndjson, people_of, screen
from tests.support.problems import UNKNOWN


@pytest.fixture
def people(shop):
    return people_of(shop)


def test_rows_far_down_are_answered_as_the_first(shop, people):
    """More than 16 bits count."""
    chance = random.Random(5)  # the same rows each time
    rows = chance.choices([people["ann"], people["ben"], people["cleo"]], k=150_000)
    rows[99_999] = rows[140_000] = UNKNOWN
    found, summary = answered(
        screen(shop, ndjson(*({"customer_id": r, "n": n} for n, r in enumerate(rows))))
    )
    assert [row["n"] for row in found] == [n for n, r in enumerate(rows) if r == people["ann"]]
    assert summary["reasons"] == {
        "consent_given": rows.count(people["ann"]),
        "no_record": rows.count(people["cleo"]) + 2,
        "refused": rows.count(people["ben"]),
    }


def bodies(shop, people):
    """The same people in every form, among rows that name nobody."""
    merged = shop.customer("eve@example.org")
    shop.merge(people["ann"], merged)
    ids = [*people.values(), merged, UNKNOWN] * 9
    hashes = [hashed(f"{name}@example.org") for name in ("ann", "ben", "cleo", "dora", "eve", "x")]
    mixed = [{"customer_id": ids[0]}, {"email": "ann@example.org"}, {"email_sha256": hashes[1]}]
    odd = [{"customer_id": "cus_0"}, {"other": 1}]
    table = pyarrow.table({"customer_id": [*ids, None, "", ids[0]], "n": range(len(ids) + 3)})
    file = io.BytesIO()
    parquet.write_table(table, file, row_group_size=7)
    return {
        "ids": (ndjson(*ids), {}),
        "hashes": (ndjson(*({"email_sha256": one} for one in hashes * 9)), {}),
        "mixed": (ndjson(*mixed * 5, *odd, *mixed), {}),
        "csv": ("customer_id,n\n" + "\n\n".join(f'{one},"\n"' for one in ids), {"form": CSV}),
        "parquet": (file.getvalue(), {"form": PARQUET}),
    }  # fmt: skip


def told(reply):
    """The rows, and the summary without what differs from one screening to the next."""
    assert reply.status_code == 200, reply.get_data(as_text=True)
    if reply.mimetype == PARQUET:
        file = parquet.ParquetFile(io.BytesIO(reply.get_data()))
        rows, summary = (
            file.read().to_pylist(),
            json.loads(file.metadata.metadata[b"consent.summary"]),
        )
    else:
        *rows, last = reply.get_data().splitlines()
        summary = json.loads(last.removeprefix(b"# "))["summary"]
    summary.pop("screening_id")
    return rows, summary


def test_many_pieces_come_to_what_one_does(shop, people, monkeypatch):
    asked = bodies(shop, people)
    wanted = {name: told(screen(shop, body, **more)) for name, (body, more) in asked.items()}
    assert all(rows and summary["denied"] for rows, summary in wanted.values())
    monkeypatch.setattr(forms, "LONGEST_ROW", 200)
    monkeypatch.setattr(forms, "PORTION", 4)
    monkeypatch.setattr(parquet_form, "PORTION", 4)
    monkeypatch.setattr(judging, "_GIVEN_AT_ONCE", 5)
    monkeypatch.setattr(lanes, "WHOLE", 17)
    assert {
        name: told(screen(shop, body, **more)) for name, (body, more) in asked.items()
    } == wanted


def test_what_happens_meanwhile_does_not_count(app, shop, people):
    """All that is answered held at one moment: when the audience was received, and not before."""

    def happens(_):
        if not happened:
            happened.append(True)
            shop.clock.advance(timedelta(seconds=1))
            shop.say(people["ann"], "withdrawn")
            shop.say(people["ben"], "given")
            shop.merge(people["dora"], people["cleo"])

    def permitted(progress=lambda _: None):
        asked = Request(Question("news", Channel.EMAIL, None, "mailer"), {}, FormKind.NDJSON, None)
        with app.app_context(), Spool() as received:
            received.write(ndjson(*people.values()))
            judged = judge_audience(received, asked, "me", shop.clock(), keys(), progress)
            service.record_screening(service.conclude(judged, rows_only=True))
            return [json.loads(row) for row in judged.permitted.read().splitlines()]

    happened = []
    assert permitted(happens) == [people["ann"]]
    assert happened
    assert permitted() == [people["ben"], people["cleo"], people["dora"]]  # who has two addresses
