"""Audiences that are answered later: `Prefer: respond-async`, the job, its rows, its end."""

from datetime import timedelta

import pytest
import structlog

from consent_service.crypto import keyring as keyrings
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.ids import decode
from consent_service.screenings import jobs, working
from consent_service.web.runtime import keys
from tests.support.later import (
    BASE,
    NDJSON,
    accepted,
    ask,
    entries,
    expire,
    ndjson,
    small_pieces,
    work,
)
from tests.support.problems import UNKNOWN, assert_needs_scope

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def people(shop):
    """Ann said yes, Ben no."""
    found = {name: shop.customer(f"{name}@example.org") for name in ("ann", "ben")}
    shop.say(found["ann"], "given")
    shop.say(found["ben"], "refused")
    return found


@pytest.fixture
def body(people):
    return ndjson(people["ben"], *[people["ann"]] * 7, UNKNOWN)


def job(shop, where):
    reply = shop.api.get(where)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    return reply.json


def test_a_job_is_accepted_answered_and_fetched(shop, body, monkeypatch):
    small_pieces(monkeypatch)
    reply = ask(shop, body)
    where = accepted(reply)
    created = {
        "id": where.removeprefix("/v1/jobs/"),
        "kind": "screening",
        "state": "queued",
        "created_at": shop.at(),
        "finished_at": None,
        "rows": 0,
        "screening_id": None,
        "result_url": None,
        "problem": None,
    }
    assert reply.json == created == job(shop, where)
    assert len(shop.rows("screening_files")) > 3
    assert entries(shop) == []
    shop.clock.advance(MINUTE)
    assert work(shop) == 1
    done = job(shop, where)
    assert (done["state"], done["rows"], done["finished_at"]) == ("done", 9, shop.at())
    straight = ask(shop, body, prefer="wait=10")
    assert straight.status_code == 200
    for _ in range(2):
        rows = shop.api.get(done["result_url"])
        assert rows.mimetype == NDJSON
        *permitted, summary = rows.get_data().splitlines()
        *wanted, its_summary = straight.get_data().splitlines()
        assert permitted == wanted
        assert summary.partition(b"purpose")[2] == its_summary.partition(b"purpose")[2]
    shown = shop.api.get(f"{BASE}/{done['screening_id']}").json
    assert (shown["permitted"], shown["evaluated_at"]) == (7, shop.at())
    assert len(entries(shop)) == 2
    (kept,) = shop.rows("screening_jobs")
    assert kept["body"] is None
    assert {row["id"] for row in shop.rows("screening_files")} == {kept["result"]}


@pytest.mark.parametrize("prefer", ["Respond-Async", "wait=5, respond-async; x=1"])
def test_the_preference_is_read_as_it_may_be_written(shop, body, prefer):
    accepted(ask(shop, body, prefer=prefer))


@pytest.mark.parametrize("prefer", ["", "handling=strict", "respond-asynchronously"])
def test_without_it_the_answer_comes_at_once(shop, body, prefer):
    assert ask(shop, body, prefer=prefer).status_code == 200


def test_jobs_are_answered_in_order_and_in_their_form(shop, people):
    first = accepted(ask(shop, b"email\nann@example.org\n", "text/csv"))
    shop.clock.advance(timedelta(seconds=1))
    second = accepted(ask(shop, b""))
    with shop.app.app_context():
        assert working.answer_next(shop.clock, keys()) == 1
    assert [job(shop, one)["state"] for one in (first, second)] == ["done", "queued"]
    rows = shop.api.get(job(shop, first)["result_url"])
    assert (rows.mimetype, rows.get_data()[:22]) == ("text/csv", b"email\nann@example.org\n")
    assert work(shop) == 1
    assert job(shop, second)["state"] == "done"


def test_nobody_else_sees_a_job_or_its_rows(shop, body, open_shop):
    other = open_shop("other")
    where = accepted(ask(shop, body))
    work(shop)
    rows = job(shop, where)["result_url"]
    assert other.api.get(where).status_code == other.api.get(rows).status_code == 404
    assert shop.api.get("/v1/jobs/job_x").status_code == 404
    assert shop.api.get(BASE + "/scr_x/rows").status_code == 404
    straight = ask(shop, body, prefer="").headers["Location"]
    assert shop.api.get(straight + "/rows").status_code == 404
    assert_needs_scope(open_shop, "decisions:check", "GET", where)
    assert_needs_scope(open_shop, "decisions:check", "GET", rows)


def test_a_day_after_its_end_nothing_is_left_of_it(shop, body):
    where = accepted(ask(shop, body))
    work(shop)
    rows = job(shop, where)["result_url"]
    shop.clock.advance(DAY - MINUTE)
    expire(shop)
    assert shop.api.get(rows).status_code == 200
    shop.clock.advance(MINUTE)
    gone = shop.api.get(rows)
    assert (gone.status_code, gone.json["code"]) == (404, "not_found")
    assert shop.api.get(where).status_code == 404
    expire(shop)
    assert shop.rows("screening_files") == shop.rows("screening_jobs") == []
    assert len(entries(shop)) == 1


def test_an_audience_that_cannot_be_read_fails_with_its_problem(shop, people):
    where = accepted(ask(shop, b"a,b\n1,2\n", "text/csv"))
    assert work(shop) == 1
    found = job(shop, where)
    straight = ask(shop, b"a,b\n1,2\n", "text/csv", prefer="").json
    assert (found["state"], found["screening_id"], found["result_url"]) == ("failed", None, None)
    assert found["problem"] == {name: straight[name] for name in ("code", "detail", "errors")}
    assert found["problem"]["errors"][0]["code"] == "no_column"
    assert shop.rows("screening_files") == entries(shop) == []
    shop.clock.advance(MINUTE)
    assert work(shop) == 0


def test_what_can_be_said_at_once_is(shop, body):
    assert ask(shop, body, purpose="nothing").status_code == 422
    assert ask(shop, body, "text/plain").status_code == 415
    assert shop.rows("screening_files") == []


def test_a_client_has_so_many_waiting_and_no_more(shop, open_shop, people, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_WAITING", 2)
    for _ in range(2):
        accepted(ask(shop, ndjson(people["ann"])))
    refused = ask(shop, ndjson(people["ann"]))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    accepted(ask(open_shop("other"), ndjson(people["ann"])))
    assert len({row["id"] for row in shop.rows("screening_files")}) == 3
    work(shop)
    accepted(ask(shop, ndjson(people["ann"])))


def test_while_the_store_fails_it_is_tried_again_later_each_time(shop, body):
    where = accepted(ask(shop, body))
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    assert (work(shop), job(shop, where)["state"]) == (1, "queued")
    assert work(shop) == 0
    for waited in (2, 4):
        shop.clock.advance(timedelta(seconds=waited - 1))
        assert work(shop) == 0
        shop.clock.advance(timedelta(seconds=1))
        assert work(shop) == 1
    shop.change_store("ALTER TABLE elsewhere RENAME TO ledger_entries")
    assert shop.rows("screenings") == []
    shop.clock.advance(timedelta(seconds=8))
    assert (work(shop), job(shop, where)["state"]) == (1, "done")
    assert len(entries(shop)) == len(shop.rows("screenings")) == 1
    (kept,) = shop.rows("screening_jobs")
    assert {row["id"] for row in shop.rows("screening_files")} == {kept["result"]}


def test_while_a_key_is_missing_it_waits_and_the_log_says_why(shop, body):
    where = accepted(ask(shop, body))
    with structlog.testing.capture_logs() as logged:
        assert work(shop, keyrings.generate(shop.clock())) == 1
    (line,) = [line for line in logged if line["event"] == "screenings:job:put_back"]
    assert line["error_kind"] == "MisconfiguredError"
    assert job(shop, where)["state"] == "queued"
    shop.clock.advance(MINUTE)
    assert (work(shop), job(shop, where)["state"]) == (1, "done")


def test_after_a_day_it_is_given_up_and_the_audience_gone(shop, body):
    where = accepted(ask(shop, body))
    shop.clock.advance(DAY)
    assert work(shop) == 0
    expire(shop)
    found = job(shop, where)
    assert (found["state"], found["problem"]["code"]) == ("failed", "unavailable")
    assert shop.rows("screening_files") == entries(shop) == []


def test_a_worker_that_is_told_to_end_leaves_it_to_the_next(shop, body):
    where = accepted(ask(shop, body))
    with shop.app.app_context():
        working.answer_next(shop.clock, keys(), lambda: True)
    assert (job(shop, where)["state"], entries(shop)) == ("queued", [])
    assert (work(shop), job(shop, where)["state"]) == (1, "done")


def test_what_was_sealed_before_a_rotation_opens_after_it(shop, body, keyring):
    where = accepted(ask(shop, body))
    second = keyring.with_new(KeyUse.MASTER, shop.clock())
    assert work(shop, second) == 1
    third = second.with_new(KeyUse.MASTER, shop.clock())
    found = decode("scr", job(shop, where)["screening_id"], 2)[1]
    with shop.app.app_context():
        form, rows = jobs.open_rows(found, "shop", shop.clock(), third)
    with rows:
        assert (form, len(rows.read().splitlines())) == (NDJSON, 8)
