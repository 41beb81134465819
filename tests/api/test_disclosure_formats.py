import csv
import io
import json
import subprocess
import sys

import pyarrow.parquet
import pytest

from consent_service.disclosures.formats import csv_text, ndjson, parquet
from consent_service.disclosures.model import KINDS, Item, items_of
from consent_service.kernel.errors import Unavailable
from consent_service.ledger import service as ledger
from consent_service.ledger.model import EntryFilter
from tests.support.log import seal
from tests.support.problems import fault

BASE = "/v1/disclosures"
NDJSON, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"


@pytest.fixture
def log(shop):
    """Checks about somebody known, and about nobody, of several kinds."""
    ann = shop.customer("ann@example.org")
    shop.say(ann, "given")
    for customer in (ann, "nobody@example.org"):
        shop.check(customer, "news", context={"touchpoint": "web"})
        shop.check(customer, "ads")
    return ann


def item_with(value):
    """An entry with a text wherever one can stand that is not ours."""
    at = "2026-03-02T09:30:00.000000Z"
    return Item("dec_1", "decision", None, *[value] * 3, (value,), *[value] * 4, 1, at, at, None)


def fetched(shop, accept, **query):
    reply = shop.api.get(BASE, query_string=query, headers={"Accept": accept})
    assert (reply.status_code, reply.headers["Vary"]) == (200, "Accept"), reply.data
    return reply


def listed(shop, **query):
    return fetched(shop, "application/json", **query).json["items"]


def lines(reply):
    return [json.loads(line) for line in reply.text.splitlines()]


def table(reply):
    return pyarrow.parquet.read_table(io.BytesIO(reply.data))


def test_ndjson_says_what_json_says(shop, log):
    for query in ({}, {"customer_id": log}, {"purpose": "ads"}, {"outcome": "permit"}):
        reply = fetched(shop, NDJSON, **query)
        assert lines(reply) == listed(shop, **query) != []
        assert reply.mimetype == NDJSON
        assert reply.data.endswith(b"}\n")


def test_files_tell_the_leaves_of_what_is_sealed(shop, log):
    with shop.app.app_context():
        seal()
    shop.check(log)
    leaves = [item["leaf_index"] for item in listed(shop)]
    assert [leaf is None for leaf in leaves] == [False] * 4 + [True]
    assert lines(fetched(shop, NDJSON)) == listed(shop)
    cells = [row["leaf_index"] for row in csv.DictReader(io.StringIO(fetched(shop, CSV).text))]
    assert cells == [*map(str, leaves[:4]), ""]
    assert table(fetched(shop, PARQUET)).column("leaf_index").to_pylist() == leaves


def test_csv_has_a_header_and_the_same_columns(shop, log):
    reply = fetched(shop, CSV)
    assert reply.content_type == "text/csv; charset=utf-8"
    assert reply.data.count(b"\r\n") == reply.data.count(b"\n") == 5
    expected = [
        {name: "" if value is None else str(value) for name, value in item.items()}
        | {"data_categories": " ".join(item["data_categories"])}
        for item in listed(shop)
    ]
    assert list(csv.DictReader(io.StringIO(reply.text))) == expected


def test_parquet_has_the_same_columns_with_times_as_times(shop, log):
    found = table(fetched(shop, PARQUET)).to_pylist()
    for row in found:
        for name in ("occurred_at", "recorded_at"):
            row[name] = row[name].isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert found == listed(shop)


def test_portions_of_a_parquet_file_share_row_groups():
    portions = [[item_with(f"{n}.{of}") for n in range(of)] for of in range(12)]
    found = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(parquet(portions))))
    groups = [found.metadata.row_group(at).num_rows for at in range(found.num_row_groups)]
    assert groups == [1 + 2 + 3 + 4, 5 + 6 + 7 + 8, 9 + 10 + 11]
    told = [item.purpose for portion in portions for item in portion]
    assert found.read().column("purpose").to_pylist() == told


def test_a_file_of_nothing_is_a_whole_one(shop, log):
    query = {"purpose": "unheard.of"}
    assert fetched(shop, NDJSON, **query).data == b""
    assert fetched(shop, CSV, **query).data == (",".join(Item.__struct_fields__) + "\r\n").encode()
    assert table(fetched(shop, PARQUET, **query)).num_rows == 0


def test_a_file_goes_on_from_a_cursor_to_the_end_whatever_the_limit(shop, log):
    first = shop.api.get(BASE, query_string={"limit": 1}).json
    rest = fetched(shop, NDJSON, cursor=first["next_cursor"], limit=1)
    assert first["items"] + lines(rest) == listed(shop)
    for accept in (NDJSON, CSV, PARQUET):
        query = {"cursor": first["next_cursor"], "purpose": "ads"}
        reply = shop.api.get(BASE, query_string=query, headers={"Accept": accept})
        assert fault(reply) == ("/cursor", "invalid_cursor")


def test_portions_are_all_entries_once_and_in_order(shop, log):
    wanted = EntryFilter(kinds=frozenset(KINDS))
    with shop.app.app_context():
        for at_once, sizes in ((1, [1, 1, 1, 1, 0]), (3, [3, 1]), (4, [4, 0]), (5, [4])):
            portions = [*map(items_of, ledger.stream_entries(wanted, None, at_once))]
            assert [len(each) for each in portions] == sizes
            assert [item.id for each in portions for item in each] == [
                item["id"] for item in listed(shop)
            ]


def test_accept_chooses_and_what_is_not_there_is_406(shop, log):
    for accept, found in (
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/*", CSV),
        (f"{CSV};q=0.5, {NDJSON}", NDJSON),
        (f"text/html, {PARQUET};q=0.1", PARQUET),
    ):
        headers = {} if accept is None else {"Accept": accept}
        reply = shop.api.get(BASE, headers=headers)
        assert (reply.mimetype, bool(reply.data)) == (found, True), accept
    for accept in ("text/html", "application/xml", f"{CSV};q=0"):
        reply = shop.api.get(BASE, headers={"Accept": accept})
        assert (reply.status_code, reply.json["code"]) == (406, "not_acceptable"), accept


def test_what_breaks_off_does_not_look_whole(shop, log):
    check = {"customer_id": log, "purpose": "ads", "recipient": "broker"}
    shop.api.post("/v1/decisions/batch", {"checks": [check] * 2_000})
    body = fetched(shop, NDJSON).response
    received = [next(body)]
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    with pytest.raises(Unavailable) as broken:
        received.extend(body)
    assert broken.value.__cause__ is None
    assert received[0].count(b"\n") > 250
    assert not b"".join(received).endswith(b"\n")
    shop.change_store("ALTER TABLE elsewhere RENAME TO ledger_entries")
    assert fetched(shop, NDJSON).data.endswith(b"\n")


@pytest.mark.parametrize(("write", "end"), [(ndjson, b"\n"), (csv_text, b"\n"), (parquet, b"PAR1")])
def test_only_what_is_whole_ends_as_a_whole_file_does(write, end):
    def breaking_off():
        yield from [[item_with("x")]] * 7
        raise Unavailable()

    received = []
    with pytest.raises(Unavailable):
        received.extend(write(breaking_off()))
    assert received
    assert not b"".join(received).endswith(end)
    assert b"".join(write([[item_with("x")]])).endswith(end)


def test_one_file_at_a_time_so_that_checks_go_on(shop, log):
    slow = fetched(shop, CSV)
    refused = shop.api.get(BASE, headers={"Accept": NDJSON})
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "5"
    assert listed(shop)
    slow.response.close()
    assert fetched(shop, NDJSON).data


def test_a_store_that_is_gone_at_the_start_is_503(shop, log):
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    for accept in (NDJSON, CSV, PARQUET):
        assert shop.api.get(BASE, headers={"Accept": accept}).status_code == 503


def test_no_value_in_csv_is_a_formula():
    values = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=1", 'a "b", c', "two\nlines", ""]
    items = [item_with(value) for value in values]
    text = b"".join(csv_text([items[:4], items[4:]])).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    safe = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\rx", "a=1", 'a "b", c', "two\nlines", ""]
    assert [row["client_id"] for row in rows] == safe
    for name in Item.__struct_fields__[4:11]:
        assert [row[name] for row in rows] == safe
    assert '"a ""b"", c"' in text


def test_parquet_is_not_loaded_before_it_is_asked_for():
    code = "import sys, consent_service.app; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
