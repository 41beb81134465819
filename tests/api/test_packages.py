"""What access and portability bring: made, told of, fetched once."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from consent_service.accounts.jobs import key_of
from consent_service.kernel.ids import parse_customer_id
from consent_service.mail import service as mail
from consent_service.packages import jobs, personal_data, pieces
from consent_service.packages.model import PackageBeingFetched
from consent_service.storage.unit_of_work import unit_of_work
from tests.support.packages import Packing
from tests.support.requests import BASE
from tests.support.shop import EVERYTHING

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/package.schema.json").read_text())


@pytest.fixture
def packing(shop):
    return Packing(shop)


@pytest.fixture
def ann(shop):
    """Somebody of whom every table but those of recipients' files knows something."""
    ann = shop.customer("ann@example.org", "+4930123456", profile={"first_name": "Ann"})
    shop.say(ann, "given", evidence={"form": "spring"})
    shop.say(ann, "given", "offers", channel="email")
    shop.say(ann, "withdrawn", "offers", channel="email")
    shop.check(ann, context={"campaign": "spring"})
    shop.suppress("ann@example.org")
    return ann


def log_of(shop):
    """(outcome, client) of what the log says of the fetching of packages, beginnings first."""
    return sorted(
        [
            (row["outcome"], row["client_id"])
            for row in shop.rows("ledger_entries")
            if row["kind"] == "privacy_request"
            and row["outcome"] in ("download_begun", "downloaded")
        ],
        key=str,
    )


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def assert_is_as_documented(package):
    faults = Draft202012Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(package)
    assert [f"{fault.json_path}: {fault.message}" for fault in faults] == []


def test_access_tells_everything_in_every_form(shop, packing, ann):
    got = packing.package(ann)
    told = got.json
    assert_is_as_documented(told)
    assert json.loads(got.files["package.schema.json"]) == SCHEMA
    assert {row["value"] for row in told["identifiers"]} == {"ann@example.org", "+4930123456"}
    given, offered, withdrawn = told["consent_events"]
    assert (given["wording"], given["evidence"]) == ("Notice 1", {"form": "spring"})
    assert (offered["event"], withdrawn["event"]) == ("given", "withdrawn")
    assert given["receipt"] == shop.api.get(f"/v1/receipts/{given['id']}").get_data(as_text=True)
    asked = [row for row in told["log"] if row["kind"] == "decision"]
    assert [row["details"]["context"] for row in asked] == [{"campaign": "spring"}]
    assert asked[0]["client_id"] == "shop"
    assert "asked whether they may use" in asked[0]["text"]
    assert [row["reason"] for row in told["suppressions"]] == ["complained"]
    assert [row["state"] for row in told["privacy_requests"]] == ["running"]
    assert [row["step"] for row in told["privacy_request_steps"]][-1] == "running"
    assert got.tables.keys() == told.keys() - {
        "format", "version", "kind", "request_id", "made_at", "language", "controller",
    }  # fmt: skip
    for name, text in got.tables.items():
        assert len(read_csv(text)) == len(told[name]), name
    for value in ("ann@example.org", "+4930123456", "Ann", "Notice 1", "spring"):
        assert value in got.html


def test_portability_tells_what_the_person_gave(shop, packing, ann):
    told = packing.package(ann, "portability").json
    assert_is_as_documented(told)
    assert not told.keys() & {"log", "sources", "suppressions", "privacy_request_steps"}
    assert [row["value"] for row in told["profile"]] == ["Ann"]
    assert "recorded_by" not in told["consent_events"][0]


def test_portability_leaves_out_what_others_told(shop, packing):
    sources = [
        {"key": "web_shop", "party": "first", "text": {"en": "Web shop", "ru": "Web shop"}},
        {"key": "bought", "party": "third", "text": {"en": "Bought", "ru": "Bought"}},
    ]
    shop.load(data_sources=sources)
    own = {"type": "email", "value": "ann@example.org", "source": "web_shop"}
    bought = {"type": "phone", "value": "+4930123456", "source": "bought"}
    ann = shop.customer(own, bought)
    access, portable = (packing.package(ann, kind).json for kind in ("access", "portability"))
    assert {(i["value"], i["party"]) for i in access["identifiers"]} == {
        ("ann@example.org", "first"),
        ("+4930123456", "third"),
    }
    assert [i["value"] for i in portable["identifiers"]] == ["ann@example.org"]
    assert [row["source"] for row in access["sources"]] == ["bought", "web_shop"]


def test_no_form_runs_what_somebody_wrote(shop, packing):
    hostile = '=cmd|" /c calc"!A1<script>alert(1)</script>'
    ann = shop.customer("ann@example.org", profile={"first_name": hostile})
    got = packing.package(ann, note=hostile)
    (row,) = read_csv(got.tables["profile"])
    assert row["value"] == "'" + hostile
    assert got.json["profile"][0]["value"] == hostile
    assert "<script" not in got.html
    assert "&lt;script&gt;" in got.html
    assert "default-src &#39;none&#39;" in got.html or "default-src 'none'" in got.html
    assert "http" not in got.html.replace("http-equiv", "")


def test_a_package_is_fetched_once_and_every_fetching_is_logged(shop, packing, ann):
    request = packing.ready(ann)
    first = packing.fetch(request)
    assert (first.status_code, first.mimetype) == (200, "application/zip")
    assert first.content_length == len(first.get_data())
    assert first.headers["Cache-Control"] == "no-store"
    assert "attachment" in first.headers["Content-Disposition"]
    again = packing.fetch(request)
    assert (again.status_code, again.json["code"]) == (404, "package_gone")
    assert log_of(shop) == [("download_begun", "shop"), ("downloaded", "shop")]
    assert shop.rows("package_pieces") == []
    (row,) = shop.rows("packages")
    assert (row["state"], row["file"]) == ("fetched", None)


def test_one_that_broke_off_can_be_fetched_again(shop, packing, ann, client, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 2_000)
    request = packing.ready(ann)
    assert len(shop.rows("package_pieces")) > 3
    headers = {"Authorization": f"Bearer {shop.token}"}
    path = f"{BASE}/{request}/package"
    broken = client.get(path, headers=headers, buffered=False)
    parts = broken.iter_encoded()
    assert next(parts)
    busy = packing.fetch(request)
    assert (busy.status_code, busy.json["code"]) == (409, "package_being_fetched")
    broken.close()
    with client.head(path, headers=headers) as nothing:
        assert nothing.status_code == 200
    assert packing.fetch(request).status_code == 200
    assert packing.fetch(request).json["code"] == "package_gone"
    outcomes = [outcome for outcome, _ in log_of(shop)]
    assert outcomes == ["download_begun", "download_begun", "download_begun", "downloaded"]


def test_a_fetching_that_hangs_is_taken_over_and_ends_incomplete(
    shop, packing, ann, client, clock, monkeypatch
):
    monkeypatch.setattr(pieces, "PIECE", 2_000)
    request = packing.ready(ann)
    headers = {"Authorization": f"Bearer {shop.token}"}
    hanging = client.get(f"{BASE}/{request}/package", headers=headers, buffered=False)
    parts = hanging.iter_encoded()
    next(parts)
    clock.advance(timedelta(minutes=2, seconds=1))
    assert packing.fetch(request).status_code == 200
    with pytest.raises(Exception, match="being fetched"):
        list(parts)
    hanging.close()
    assert [outcome for outcome, _ in log_of(shop)].count("downloaded") == 1


def test_of_many_at_once_one_fetches_it(shop, packing, ann, app):
    request = packing.ready(ann)
    headers = {"Authorization": f"Bearer {shop.token}"}

    def fetch(_):
        with app.test_client() as client:
            reply = client.get(f"{BASE}/{request}/package", headers=headers)
            return reply.status_code, len(reply.get_data())

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(fetch, range(4)))
    assert [status for status, _ in found].count(200) == 1
    assert {status for status, _ in found} <= {200, 404, 409, 429}
    outcomes = [outcome for outcome, _ in log_of(shop)]
    assert outcomes == ["download_begun", "downloaded"]


def test_an_erasure_while_it_is_fetched_ends_it(shop, packing, ann, client, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 2_000)
    request = packing.ready(ann)
    headers = {"Authorization": f"Bearer {shop.token}"}
    reply = client.get(f"{BASE}/{request}/package", headers=headers, buffered=False)
    parts = reply.iter_encoded()
    next(parts)
    with shop.app.app_context(), unit_of_work() as tx:
        personal_data.erase(tx, [parse_customer_id(ann)])
    with pytest.raises(PackageBeingFetched):
        list(parts)
    reply.close()
    assert [outcome for outcome, _ in log_of(shop)] == ["download_begun"]


def test_a_customer_fetches_their_own_after_a_fresh_sign_in(shop, packing, ann, api, clock):
    other = shop.customer("other@example.org")
    mine, others = (api(packing.token_of(who)) for who in (ann, other))
    request = packing.ready(ann)
    packing.sign_in(other)
    assert packing.fetch(request, others).json["code"] == "not_found"
    assert packing.fetch(request, mine).json["code"] == "fresh_sign_in_required"
    packing.sign_in(ann)
    clock.advance(timedelta(minutes=6))
    assert packing.fetch(request, mine).json["code"] == "fresh_sign_in_required"
    assert log_of(shop) == []
    packing.sign_in(ann)
    assert packing.fetch(request, mine).status_code == 200
    assert [client for _, client in log_of(shop)] == [None, None]


def test_without_the_scope_nobody_fetches(shop, packing, ann, open_shop):
    request = packing.ready(ann)
    limited = open_shop("limited", EVERYTHING - {"packages:read"})
    assert packing.fetch(request, limited.api).status_code == 403


def test_there_is_none_until_it_is_ready_and_of_no_other_kind(shop, packing, ann):
    waiting = packing.approved(ann)
    assert packing.fetch(waiting).json["code"] == "package_not_ready"
    packing.carry_out()
    assert packing.fetch(waiting).json["code"] == "package_not_ready"
    assert packing.state(waiting) == "running"
    for request in (packing.ask(ann, "rectification"), packing.ask("nobody@example.org")):
        assert packing.fetch(request).status_code == 404
    assert packing.make() == 1
    assert packing.make() == 0
    assert packing.steps(waiting)[-1] == "done"


def test_it_is_gone_after_seven_days(shop, packing, ann, clock):
    request = packing.ready(ann)
    clock.advance(timedelta(days=7, seconds=-1))
    assert expired(shop) == 0
    clock.advance(timedelta(seconds=1))
    assert packing.fetch(request).json["code"] == "package_gone"
    assert expired(shop) == 1
    assert shop.rows("package_pieces") == []
    assert packing.fetch(request).json["code"] == "package_gone"
    assert expired(shop) == 0


def test_a_letter_says_that_it_is_ready_and_nothing_of_what_is_in_it(shop, packing, ann):
    packing.ready(ann)
    with shop.app.app_context():
        waiting = mail.list_newest(key_of, 9)
    (letter,) = [letter for kept, letter in waiting if kept.kind == "package_ready"]
    assert letter.to == "ann@example.org"
    assert letter.subject == "What you asked for is ready"
    assert "Ann" not in letter.text
    assert ann not in letter.text + letter.html
    assert "/requests" in letter.text
    numbered = shop.customer("4711")
    packing.ready(numbered)


def test_it_speaks_the_customers_language(shop, packing):
    html = packing.package(shop.customer("ann@example.org", language="ar")).html
    assert '<html lang="ar" dir="rtl">' in html
    assert "نسخة" in html


def expired(shop):
    with shop.app.app_context():
        return jobs.delete_expired(shop.clock())
