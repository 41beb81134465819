"""Large audiences in pieces that are looked for side by side, by two connections at one moment."""

import json
import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from consent_service.catalogue.model import Channel
from consent_service.crypto.spool import Spool
from consent_service.decisions.audience_store import Gathering
from consent_service.decisions.model import Question, Reason
from consent_service.kernel.errors import Unavailable
from consent_service.kernel.ids import decode
from consent_service.screenings import forms, judging, service
from consent_service.screenings.judging import judge_audience
from consent_service.screenings.lanes import PIECE
from consent_service.screenings.model import FormKind, Request
from consent_service.storage.db import db
from consent_service.web.runtime import keys
from tests.support.audiences import hashed, ndjson, people_of
from tests.support.later import entries
from tests.support.problems import UNKNOWN

pytestmark = pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has one
FOUR = ("ann", "ben", "cleo", "dora")


class Stopped(Exception):
    """Whoever asked wants no answer any more."""


@pytest.fixture
def people(shop):
    return people_of(shop)


@pytest.fixture(autouse=True)
def _in_small_pieces(app, monkeypatch):
    monkeypatch.setattr(forms, "LONGEST_ROW", 200)
    monkeypatch.setattr(judging, "_GIVEN_AT_ONCE", 5)
    with app.app_context():
        yield


def screened(shop, rows, progress=lambda _: None, piece=17):
    """The rows that are permitted, what is said of all, and how many connections were in use."""
    most = [0]

    def watched(more):
        most.append(db.engine.pool.checkedout())
        progress(more)

    asked = Request(Question("news", Channel.EMAIL, None, "mailer"), {}, FormKind.NDJSON, None)
    with Spool() as received:
        received.write(ndjson(*rows))
        judged = judge_audience(received, asked, "me", shop.clock(), keys(), watched, piece)
    concluded = service.conclude(judged, rows_only=True)
    service.record_screening(concluded)
    return judged.permitted.read(), concluded, max(most)


def rows_of(shop, people):
    """People again and again, by what they are called, so that each is in many pieces."""
    merged = shop.customer("eve@example.org")
    shop.merge(people["ann"], merged)
    ids = [*people.values(), merged, UNKNOWN]
    named = [{"email_sha256": hashed(f"{one}@example.org")} for one in (*FOUR, "eve", "x")]
    rows = [*({"customer_id": one} for one in ids * 9), *named * 9, {"customer_id": "cus_0"}]
    rows += [{"email": "ann@example.org"}, {"other": 1}, {"email": "dora@example.org"}] * 5
    return [{**row, "n": n} for n, row in enumerate(rows + rows)]


def told(concluded):
    """What was said, without what differs from one screening to the next."""
    said = json.loads(concluded.screening.payload)
    return {name: said[name] for name in said if name not in ("screening_id", "members_root")}


def test_pieces_side_by_side_come_to_what_one_does(shop, people):
    rows = rows_of(shop, people)
    wanted, whole, alone = screened(shop, rows, piece=PIECE)
    found, parted, beside = screened(shop, rows)
    assert (alone, beside) == (1, 2)
    assert wanted
    assert found == wanted
    assert told(parted) == told(whole)
    answers = {"ann": Reason.CONSENT_GIVEN, "ben": Reason.REFUSED, "cleo": Reason.NO_RECORD}
    for name, reason in answers.items():
        (one,) = decode("cus", people[name])
        both = [each.screening.id for each in (whole, parted)]
        assert service.find_memberships(one, both) == dict.fromkeys(both, reason)
    assert len(entries(shop)) == 2


def test_all_pieces_are_of_one_moment(shop, people):
    """What happens while the first are written does not count for the last."""
    happened = []

    def happens(more):
        if more and not happened:
            happened.append(more)
            shop.clock.advance(timedelta(seconds=1))
            shop.say(people["ann"], "withdrawn")
            shop.say(people["ben"], "given")
            shop.merge(people["dora"], people["cleo"])

    rows = [{"customer_id": people[name], "n": n} for n, name in enumerate(FOUR * 30)]
    before, concluded, beside = screened(shop, rows, happens)
    assert (sum(happened) < len(rows), beside) == (True, 2)
    assert [json.loads(row)["n"] % 4 for row in before.splitlines()] == [0] * 30
    assert concluded.summary.reasons["refused"] == 30
    after, _, _ = screened(shop, rows)
    assert {json.loads(row)["n"] % 4 for row in after.splitlines()} == {1, 2, 3}


def test_where_no_connection_is_free_one_does(shop, people):
    rows = rows_of(shop, people)
    wanted, whole, _ = screened(shop, rows, piece=PIECE)
    with ExitStack() as held:
        for _ in range(db.engine.pool.size()):
            held.enter_context(db.engine.connect())
        taken = db.engine.pool.checkedout()
        found, alone, most = screened(shop, rows)
    assert most == taken + 1
    assert (found, told(alone)) == (wanted, told(whole))


def test_a_moment_that_is_over_is_told_at_once():
    with pytest.raises(Unavailable):
        Gathering("00000003-0000001B-1")
    assert db.engine.pool.checkedout() == 0


def assert_nothing_is_left(shop, threads):
    assert (shop.rows("screenings"), entries(shop)) == ([], [])
    assert db.engine.pool.checkedout() == 0
    assert threading.active_count() == threads


def test_who_is_told_to_stop_leaves_nothing(shop, people):
    rows, threads = rows_of(shop, people), threading.active_count()

    def stops(more):
        if more:
            raise Stopped

    with pytest.raises(Stopped):
        screened(shop, rows, stops)
    assert_nothing_is_left(shop, threads)
    assert screened(shop, rows)[0]


@pytest.mark.parametrize("which", [0, 1])
def test_one_connection_that_is_lost_ends_all(shop, people, which):
    """Whichever it is: the one that looks for the first piece, or the other."""
    rows, threads, ended = rows_of(shop, people), threading.active_count(), []
    lose = text(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE"
        " datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
        " ORDER BY xact_start LIMIT 1 OFFSET :which"
    )

    def lost(more):
        if more and not ended:
            with db.engine.connect() as connection:
                ended.extend(connection.execute(lose, {"which": which}))

    with pytest.raises(Unavailable):
        screened(shop, rows, lost)
    assert len(ended) == 1
    assert_nothing_is_left(shop, threads)
    assert screened(shop, rows)[0]
