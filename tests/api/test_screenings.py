"""Whole audiences: every form of input, the rule book of a single check, one entry in the log."""

import hashlib
import io
import json
import random
from collections import Counter
from itertools import compress

import pyarrow
import pytest
from pyarrow import parquet

from tests.support.audiences import (
    BASE,
    CSV,
    NDJSON,
    PARQUET,
    answered,
    hashed,
    ndjson,
    people_of,
    screen,
)
from tests.support.problems import UNKNOWN, assert_needs_scope


@pytest.fixture
def people(shop):
    return people_of(shop)


# --- The answer


def test_the_permitted_come_back_in_order_with_a_summary(shop, people):
    rows = [people["ben"], people["ann"], UNKNOWN, people["dora"], people["cleo"], people["ann"]]
    found, summary = answered(screen(shop, ndjson(*rows)))
    assert found == [people["ann"], people["ann"]]
    assert summary.pop("screening_id").startswith("scr_")
    assert summary == {
        "purpose": "news",
        "channel": "email",
        "data_categories": ["email_address", "name"],
        "recipient": "mailer",
        "evaluated_at": shop.at(),
        "valid_until": shop.at(seconds=60),
        "rows": 6,
        "permitted": 2,
        "denied": 4,
        "reasons": {"consent_given": 2, "no_record": 2, "refused": 1, "suppressed": 1},
        "unusable": {},
    }


@pytest.mark.parametrize(
    ("column", "ann", "ben"),
    [
        ("email", "Ann@Example.ORG", "ben@example.org"),
        ("phone", "+49 30 1234560", "+49301234561"),
        ("email_sha256", hashed("ann@example.org"), hashed("ben@example.org").upper()),
        ("phone_sha256", hashed("+49301234560"), hashed("+49301234561")),
    ],
)
def test_people_are_found_by_identifier_plain_or_hashed(shop, people, column, ann, ben):
    rows = [{"row": 1, column: ann}, {"row": 2, column: ben}, {"row": 3, column: ann}]
    found, summary = answered(screen(shop, ndjson(*rows)))
    assert found == [rows[0], rows[2]]
    assert summary["reasons"] == {"consent_given": 2, "refused": 1}


def test_a_mark_on_an_address_that_nobody_has_counts(shop):
    shop.suppress("gone@example.org", "complained")
    row = {"email_sha256": hashed("gone@example.org")}
    assert answered(screen(shop, ndjson(row)))[1]["reasons"] == {"suppressed": 1}


def test_csv_comes_back_byte_for_byte(shop, people):
    lines = [
        b'name,email_sha256,"a, b"\r\n',
        b'"Ben",' + hashed("ben@example.org").encode() + b",1\r\n",
        b'"A ""n""\nn",' + hashed("ann@example.org").encode() + b',"=x"\r\n',
        b"\r\n",
        b"Ann," + hashed("ann@example.org").encode() + b",last",
    ]
    reply = screen(shop, b"".join(lines), CSV)
    found = reply.get_data()
    assert found.startswith(lines[0] + lines[2] + lines[4] + b"\n# {")
    summary = json.loads(found.splitlines()[-1][2:])["summary"]
    assert (summary["rows"], summary["permitted"]) == (3, 2)
    assert reply.mimetype == CSV


def test_parquet_keeps_columns_and_types(shop, people):
    table = pyarrow.table(
        {
            "customer_id": [people["ann"], None, people["ben"], people["ann"]],
            "score": pyarrow.array([1, 2, 3, 4], pyarrow.int16()),
        }
    )
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    reply = screen(shop, sink.getvalue(), PARQUET)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    found = parquet.ParquetFile(io.BytesIO(reply.get_data()))
    assert found.read().to_pylist() == [table.to_pylist()[0], table.to_pylist()[3]]
    assert found.schema_arrow.field("score").type == pyarrow.int16()
    summary = json.loads(found.metadata.metadata[b"consent.summary"])
    assert summary["unusable"] == {"nobody_named": 1}
    assert summary["reasons"] == {"consent_given": 2, "refused": 1}


def test_a_row_that_names_nobody_is_counted_and_never_the_end(shop, people):
    long = json.dumps({"customer_id": people["ann"], "note": "x" * 70_000}).encode()
    rows = [
        b"\xef\xbb\xbf" + json.dumps(people["ann"]).encode(),
        b"{",
        b'{"customer_id": "cus_0"}',
        b'{"email": "no address"}',
        b'{"email_sha256": "12"}',
        b'{"email_sha256": "' + b"z" * 64 + b'"}',
        b'{"other": 1}',
        b'{"email": null}',
        b'{"email": "a@example.org", "phone": "+4930123456"}',
        b'"\xff\xfe"',
        b"[]",
        b"  ",
        long,
        json.dumps({"customer_id": people["ann"], "email": None}).encode(),
    ]
    found, summary = answered(screen(shop, b"\n".join(rows)))
    assert len(found) == 2
    assert summary["rows"] == 13
    assert summary["unusable"] == {
        "nobody_named": 2,
        "not_readable": 3,
        "not_usable": 4,
        "several_named": 1,
        "too_long": 1,
    }


def test_bad_rows_of_a_csv_are_counted(shop, people):
    ann = people["ann"].encode()
    lines = [
        b"customer_id,x",
        ann + b",1",
        ann,
        b",1",
        b"cus_x,1",
        b'"a"b,1',
        b"\xff,2",
        ann + b",2",
    ]
    reply = screen(shop, b"\n".join(lines), CSV)
    summary = json.loads(reply.get_data().splitlines()[-1][2:])["summary"]
    assert summary["unusable"] == {"nobody_named": 1, "not_readable": 2, "not_usable": 2}
    assert reply.get_data().splitlines()[:-1] == [lines[0], lines[1], lines[-1]]


def test_an_open_quote_takes_the_rest_with_it_and_permits_nobody(shop, people):
    ann = people["ann"].encode()
    reply = screen(shop, b"customer_id,x\n" + ann + b',"1\n' + ann + b",2\n", CSV)
    summary = json.loads(reply.get_data().splitlines()[-1][2:])["summary"]
    assert (summary["permitted"], summary["unusable"]) == (0, {"not_readable": 1})


def test_nobody_at_all(shop):
    assert answered(screen(shop, b""))[1]["rows"] == 0
    assert screen(shop, b"customer_id\n", CSV).get_data().startswith(b"customer_id\n# {")


# --- The rule book


ASKED = [
    {"purpose": "news"},
    {"purpose": "ads", "recipient": "broker"},
    {"purpose": "offers", "channel": "sms"},
    {"purpose": "offers", "channel": "email"},
    {"purpose": "offers"},
    {"purpose": "texts"},
    {"purpose": "printed"},
    {"purpose": "orders", "channel": "email"},
    {"purpose": "news", "recipient": "broker"},
    {"purpose": "news", "data_categories": "name,phone_number"},
]


def crowd(shop, chance):
    """Forty people with all that can be known of somebody, by chance; one was merged."""
    found = []
    for at in range(40):
        customer = shop.customer(
            f"p{at}@example.org",
            f"+493012345{at:02}",
            jurisdiction=chance.choice(["DE", "IN", "US-CA", None]),
            **chance.choice([{}, {}, {"age_band": "13_15"}, {"age_band": "adult"}]),
        )
        for purpose in ("news", "ads", "offers", "texts", "printed", "orders"):
            if chance.random() < 0.6:
                event = chance.choice(["given", "given", "refused", "withdrawn", "objected"])
                own = {"offers": "sms", "orders": "email"}.get(purpose)
                channel = own if event == "given" else None
                days = chance.choice([0, -1, -40])
                shop.say(customer, event, purpose, channel=channel, captured_at=shop.at(days=days))
        if chance.random() < 0.2:
            shop.signal(customer)
        if chance.random() < 0.3:
            reason = chance.choice(["complained", "deceased", "undeliverable", "opted_out"])
            shop.suppress(chance.choice([f"p{at}@example.org", f"+493012345{at:02}"]), reason)
        found.append(customer)
    shop.merge(found[0], found[1])
    return [*found, UNKNOWN]


NAMED = {
    "ids": lambda customer, _: ({"customer_id": customer}, {"customer_id": customer}),
    "hashes": lambda _, address: (
        {"email_sha256": hashed(address)},
        {"identifier": {"type": "email", "value": address}},
    ),
}


@pytest.mark.parametrize("ways", [["ids"], ["hashes"], ["ids", "hashes"]])
def test_everybody_is_answered_as_by_a_single_check(shop, ways):
    chance = random.Random(4)  # the same crowd each time
    people = crowd(shop, chance)
    named = [
        NAMED[ways[at % len(ways)]](one, f"p{at}@example.org") for at, one in enumerate(people)
    ]
    reasons = set()
    for asked in ASKED:
        query = {"recipient": "mailer", **asked}
        wanted = {**query}
        if "data_categories" in query:
            wanted["data_categories"] = query["data_categories"].split(",")
        checks = [{**who, **wanted} for _, who in named]
        batch = shop.api.post("/v1/decisions/batch", {"checks": checks}).json["decisions"]
        found, summary = answered(screen(shop, ndjson(*(row for row, _ in named)), **query))
        permitted = [d["outcome"] == "permit" for d in batch]
        assert found == [row for row, _ in compress(named, permitted)]
        assert summary["reasons"] == dict(sorted(Counter(d["reason"] for d in batch).items()))
        reasons |= summary["reasons"].keys()
    assert len(reasons) >= 14, reasons


def test_by_address_an_undeliverable_one_counts_alone(shop):
    shop.say(shop.customer("a@example.org", "b@example.org"), "given")
    shop.suppress("a@example.org", "undeliverable", channel="email")
    rows = [{"email_sha256": hashed("a@example.org")}, {"email": "b@example.org"}]
    found, summary = answered(screen(shop, ndjson(*rows)))
    assert (found, summary["reasons"]) == (rows[1:], {"consent_given": 1, "suppressed": 1})


# --- The log


def test_a_screening_is_one_entry_whose_commitment_opens(shop, people):
    before = shop.rows("ledger_entries")
    reply = screen(
        shop, ndjson(*people.values()), campaign="spring", touchpoint="web", lifecycle_stage="won"
    )
    summary = answered(reply)[1]
    (entry,) = [row for row in shop.rows("ledger_entries") if row not in before]
    assert (entry["kind"], entry["known"], entry["payload"]) == ("screening", False, None)
    assert (entry["purpose"], entry["recipient"], entry["touchpoint"]) == ("news", "mailer", "web")
    (kept,) = shop.rows("screenings")
    assert hashlib.sha256(kept["salt"] + kept["payload"]).digest() == entry["commitment"]
    shown = shop.api.get(reply.headers["Location"]).json
    assert shown.items() >= summary.items()
    assert shown["context"] == {"campaign": "spring", "touchpoint": "web", "lifecycle_stage": "won"}
    assert shown["members"] == 4
    (item,) = [
        item
        for item in shop.api.get("/v1/disclosures").json["items"]
        if item["kind"] == "screening"
    ]
    assert item["id"] == summary["screening_id"]


def test_what_cannot_be_read_leaves_no_trace(shop, people):
    counts = shop.counts()
    for body, form, code in (
        (b"a,b\n1,2\n", CSV, "no_column"),
        (b"", CSV, "no_column"),
        (b"email,phone\n1,2\n", CSV, "several_columns"),
        (b"email,email\n1,2\n", CSV, "several_columns"),
        (b"PAR1 and no more", PARQUET, "not_readable"),
    ):
        reply = screen(shop, body, form)
        assert (reply.status_code, reply.json["errors"][0]["code"]) == (422, code)
    assert screen(shop, b"", purpose="nothing").json["errors"][0]["code"] == "unknown_purpose"
    other = screen(shop, b"", "text/plain")
    assert other.status_code == 415
    assert other.json["detail"] == (
        "Send a body of application/x-ndjson or text/csv or application/vnd.apache.parquet, "
        "not compressed."
    )
    assert shop.counts() == counts


def test_column_says_who_is_meant(shop, people):
    body = f"email,customer_id\nann@example.org,{people['ben']}\n".encode()
    assert b"ann@" in screen(shop, body, CSV, column="email").get_data()
    assert b"ann@" not in screen(shop, body, CSV, column="customer_id").get_data()


def test_another_client_finds_no_screening(shop, people, make_client, token_for, api):
    where = screen(shop, ndjson(people["ann"])).headers["Location"]
    other = api(token_for(make_client("other", ["decisions:check"], ["mailer"])))
    assert other.get(where).status_code == 404
    assert other.get("/v1/screenings/scr_x").status_code == 404


def test_it_needs_its_scope_and_a_recipient_of_ones_own(shop, people, open_shop):
    assert_needs_scope(open_shop, "decisions:check", "POST", BASE)
    assert_needs_scope(open_shop, "decisions:check", "GET", BASE + "/scr_x")
    assert answered(screen(shop, ndjson(people["ann"]), recipient="mars"))[1]["reasons"] == {
        "recipient_not_allowed": 1
    }


def test_a_body_that_breaks_off_is_no_audience(shop, people):
    counts = shop.counts()
    for prefer in ("", "respond-async"):
        reply = shop.api.send(
            "POST", BASE, data=ndjson(people["ann"]), content_type=NDJSON,
            query_string={"purpose": "news"}, headers={"Prefer": prefer},
            environ_overrides={"CONTENT_LENGTH": "1000", "wsgi.input_terminated": True},
        )  # fmt: skip
        assert reply.status_code == 400
    assert shop.counts() == counts
