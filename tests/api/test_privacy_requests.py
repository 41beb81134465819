"""Privacy requests: handed in, looked up, confirmed, read. Whether there is such a person, no
answer tells."""

import statistics
import threading
import time
from datetime import timedelta

import pytest

from consent_service.kernel.clock import parse_rfc3339
from consent_service.privacy_requests import confirming
from consent_service.privacy_requests.model import RequestKind
from consent_service.web.runtime import keys
from tests.support import small_catalogue
from tests.support.pages import Browser, forms_of
from tests.support.problems import UNKNOWN, assert_needs_scope, fault
from tests.support.requests import BASE, Desk
from tests.support.shop import subject

ANN, NOBODY = "ann@example.org", "nobody@example.org"
DAYS = {"DE": 30, "CN": 15, "US": 45, "US-CA": 45, "IN": 30}


@pytest.fixture
def desk(shop):
    declared = {
        code: {
            **small_catalogue.jurisdiction(small_catalogue.BASES),
            "request_days": dict.fromkeys(small_catalogue.KINDS, days),
        }
        for code, days in DAYS.items()
    }
    days = {**declared["DE"]["request_days"], "access": 20}
    declared["RU"] = {**declared["DE"], "request_days": days, "working_days": ["access"]}
    shop.load(jurisdictions=declared)
    return Desk(shop)


@pytest.fixture
def ann(shop, desk):
    return shop.customer(ANN, jurisdiction="DE")


def told(reply):
    """An answer without what is of it alone."""
    headers = sorted(each for each in reply.headers.items() if each[0] != "X-Request-Id")
    body = {name: value for name, value in reply.json.items() if name != "id"}
    return reply.status_code, headers, body


# --- The same answer


@pytest.mark.parametrize("kind", RequestKind)
def test_known_and_unknown_get_the_same_answer(shop, desk, ann, kind):
    somebody = shop.customer("+4930123456", jurisdiction="US")
    named = (ANN, NOBODY, ann, somebody, UNKNOWN, "+4930999999", "K-0")
    replies = [desk.send(each, kind, note="Please.") for each in named]
    assert len({repr(told(reply)) for reply in replies}) == 1
    assert replies[0].status_code == 202
    assert replies[0].json["state"] == "received"
    assert {len(reply.json["id"]) for reply in replies} == {len("req_") + 26}


def test_known_and_unknown_leave_the_same_rows(shop, desk, ann):
    counts = []
    for named in (ANN, NOBODY, ann, UNKNOWN):
        before = shop.counts()
        desk.send(named, "erasure")
        after = shop.counts()
        counts.append({name: after[name] - before[name] for name in after})
    assert counts[0] == counts[1] == counts[2] == counts[3]
    assert {name for name, more in counts[0].items() if more} == {
        "privacy_requests",
        "privacy_request_intake",
    }


def test_known_and_unknown_take_the_same_statements(desk, ann, count_statements):
    desk.send(ANN)
    seen = []
    for named in (ANN, NOBODY):
        with count_statements() as statements:
            desk.send(named)
        seen.append(statements)
    assert seen[0] == seen[1]


def test_known_and_unknown_take_the_same_time(desk, ann):
    spent = {ANN: [], NOBODY: []}
    for _ in range(15):
        for named, times in spent.items():
            begun = time.perf_counter()
            desk.send(named)
            times.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert abs(known - unknown) < 0.5 * max(known, unknown) + 0.005


def test_it_is_repeated_by_its_key_and_not_done_twice(shop, desk, ann):
    for named in (ANN, NOBODY):
        body, headers = {**subject(named), "kind": "access"}, {"Idempotency-Key": f"1 {named}"}
        first, again = (shop.api.post(BASE, body, headers=headers) for _ in range(2))
        assert first.json == again.json
        other = shop.api.post(BASE, {**body, "kind": "erasure"}, headers=headers)
        assert other.status_code == 422
    assert len(shop.rows("privacy_requests")) == 2


def test_what_cannot_be_meant_is_refused(shop, desk, ann):
    send = lambda **body: shop.api.post(BASE, body)  # noqa: E731  # one line, used here alone
    assert fault(send(kind="access")) == ("/customer_id", "invalid")
    assert fault(send(customer_id=ann, kind="more"))[0] == "/kind"
    assert fault(send(customer_id=ann))[0] == "/kind"
    assert fault(desk.send(ann, touchpoint="moon")) == ("/touchpoint", "unknown_touchpoint")
    assert fault(desk.send(ann, note=""))[0] == "/note"
    assert shop.rows("privacy_requests") == []


def test_each_route_needs_its_scope(open_shop, shop):
    body = {**subject(ANN), "kind": "access"}
    assert_needs_scope(open_shop, "requests:write", "POST", BASE, body)
    assert_needs_scope(open_shop, "requests:read", "GET", BASE)
    assert_needs_scope(open_shop, "requests:read", "GET", f"{BASE}/req_1")
    for act in ("confirm", "approve", "reject", "cancel", "extend", "hold", "release", "done"):
        assert_needs_scope(open_shop, "requests:decide", "POST", f"{BASE}/req_1/{act}", {})


# --- Looked up


def test_of_somebody_unknown_it_stays_that_it_came(shop, desk):
    request = desk.ask(NOBODY, "erasure", note="I am Nobody.")
    shown = desk.show(request)
    assert (shown["customer_id"], shown["state"], shown["note"]) == (None, "rejected", None)
    assert [(s["step"], s["words"]) for s in shown["steps"]] == [
        ("received", None),
        ("rejected", "nobody_known"),
    ]
    assert shop.rows("privacy_request_intake") == []
    assert desk.letters() == []
    for act, body in (("approve", {"identity": "document"}), ("hold", {"reason": "x"})):
        assert desk.act(request, act, **body).status_code == 409


def test_until_it_is_looked_up_nobody_decides(desk, ann):
    request = desk.send(ann).json["id"]
    assert desk.show(request)["customer_id"] is None
    reply = desk.act(request, "approve", identity="document")
    assert (reply.status_code, reply.json["code"]) == (409, "request_not_looked_up")
    desk.work()
    assert desk.act(request, "approve", identity="document").status_code == 200


@pytest.mark.parametrize(
    ("code", "due"),
    [
        ("DE", "2026-04-01"),
        ("US", "2026-04-16"),
        ("US-NY", "2026-04-16"),
        ("CN", "2026-03-17"),
        ("RU", "2026-03-30"),
        (None, "2026-03-17"),
        ("JP", "2026-03-17"),
    ],
)
def test_the_date_is_of_the_persons_jurisdiction(shop, desk, code, due):
    assert shop.at().startswith("2026-03-02")
    shop.customer(ANN, jurisdiction=code)
    reply = desk.send(ANN)
    assert reply.json["due_at"] == shop.at(days=15)  # the earliest there is
    shop.clock.advance(timedelta(hours=5))
    desk.work()
    shown = desk.show(reply.json["id"])
    assert shown["due_at"].startswith(due)
    assert parse_rfc3339(shown["due_at"]).time() == parse_rfc3339(shown["received_at"]).time()


def test_an_id_that_was_merged_leads_on(shop, desk, ann):
    other = shop.customer("ann@example.com")
    shop.merge(ann, other)
    assert desk.show(desk.ask(other))["customer_id"] == ann


def test_every_step_is_in_the_log(shop, desk, ann):
    desk.ask(NOBODY)
    request = desk.confirmed(ann, "erasure")
    desk.act(request, "reject", reason="It is kept by law.")
    entries = [row for row in shop.rows("ledger_entries") if row["kind"] == "privacy_request"]
    found = [(e["known"], e["reason"], e["outcome"], e["client_id"]) for e in entries]
    assert sorted(found) == [
        (False, "access", "received", "shop"),
        (False, "access", "rejected", "consent"),
        (True, "erasure", "confirmed", "shop"),
        (True, "erasure", "received", "shop"),
        (True, "erasure", "rejected", "shop"),
    ]


def test_nothing_personal_is_stored_in_the_clear(shop, desk, ann):
    desk.send(ANN, note="CANARY-note")
    desk.send(NOBODY, note="CANARY-note")
    tables = [name for name in shop.counts() if name.startswith(("privacy_", "ledger_e"))]

    def stored():
        return repr([shop.rows(name) for name in tables])

    before = stored()
    desk.work()
    request = desk.listed(kind="access")[0]
    desk.act(request, "reject", reason="CANARY-reason")
    assert desk.show(request)["note"] == "CANARY-note"
    for text in (before, stored()):
        assert "CANARY" not in text
        assert "@example.org" not in text


# --- Confirmed by a link


def test_the_link_goes_to_the_address_on_file(shop, desk):
    desk.ask(shop.customer("K-1", "boris@example.org", language="ru"), "erasure")
    (letter,) = desk.letters()
    assert (letter.to, letter.language) == ("boris@example.org", "ru")
    assert "Удаление данных о вас" in letter.text
    shop.customer("a@example.org", "b@example.org", "c@example.org")
    for named in ("b@example.org", "c@example.org"):
        desk.ask(named)
        shop.clock.advance(timedelta(seconds=1))
        assert desk.letters()[0].to == named
    desk.ask(shop.customer("K-2"))
    assert len(desk.letters()) == 3


def test_a_link_confirms_once(app, desk, ann):
    request = desk.ask(ann, "erasure")
    browser, link = Browser(app), desk.link()
    page = browser.get(link)
    assert page.status_code == 200
    assert "The erasure of the data about you" in page.text
    assert desk.state(request) == "received"  # opening it does nothing
    reply = browser.submit(page)
    assert reply.headers["Location"] == "/requests/confirmed"
    assert browser.follow(reply).status_code == 200
    shown = desk.show(request)
    assert (shown["state"], shown["identity"]) == ("confirmed", "link")
    assert shown["steps"][-1]["actor"] == "customer"
    assert browser.get(link).status_code == 410
    assert browser.submit(page).status_code == 410
    assert desk.steps(request) == ["received", "confirmed"]


def test_a_link_is_good_in_any_browser_for_a_day(app, shop, desk, ann):
    request = desk.ask(ann)
    link = desk.link()
    shop.clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    page = Browser(app).get(link)
    other = Browser(app)
    assert other.get(link).status_code == 200
    shop.clock.advance(timedelta(seconds=1))
    assert other.get(link).status_code == 410
    assert other.submit(other.get("/sign-in"), action=None).status_code == 422
    assert other.post(link, forms_of(other.get("/sign-in"))[0]["fields"]).status_code == 410
    assert page.status_code == 200
    assert desk.state(request) == "received"
    with shop.app.app_context():
        assert confirming.delete_expired(shop.clock()) == 1


def test_a_link_confirms_its_own_request_alone(app, shop, desk, ann):
    first, second = desk.ask(ann, "access"), desk.ask(shop.customer("eve@example.org"), "erasure")
    link = desk.link()
    browser = Browser(app)
    browser.submit(browser.get(link))
    assert (desk.state(first), desk.state(second)) == ("received", "confirmed")
    assert browser.get("/requests/confirm/nothing").status_code == 410
    assert browser.post(link, {}).status_code == 403  # another site's form


def test_a_link_to_what_was_cancelled_is_no_longer_good(app, desk, ann):
    request = desk.ask(ann)
    browser = Browser(app)
    page = browser.get(desk.link())
    desk.act(request, "cancel")
    assert browser.submit(page).status_code == 410
    assert desk.state(request) == "cancelled"


def test_many_at_once_with_one_link_confirm_once(app, desk, ann, clock):
    request = desk.ask(ann, "erasure")
    token, results = desk.link().rpartition("/")[2], []
    barrier = threading.Barrier(8)

    def use():
        with app.app_context():
            barrier.wait()
            results.append(confirming.use_link(token, clock(), keys()))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert desk.steps(request) == ["received", "confirmed"]


# --- With the customer's own token


def test_after_a_fresh_sign_in_it_is_confirmed_at_once(shop, desk, ann, api):
    mine = api(desk.token_of(ann))
    desk.sign_in(ann)
    reply = mine.post(BASE, {"customer_id": ann, "kind": "access", "note": "All of it."})
    assert (reply.status_code, reply.json["state"]) == (202, "confirmed")
    assert reply.json["due_at"] == shop.at(days=30)
    shown = mine.get(f"{BASE}/{reply.json['id']}").json
    assert (shown["identity"], shown["note"]) == ("fresh_sign_in", "All of it.")
    assert {step["actor"] for step in shown["steps"]} == {"customer"}
    assert desk.letters() == []


@pytest.mark.parametrize("minutes", [5, 31])
def test_later_it_is_confirmed_by_the_link(shop, desk, ann, api, minutes):
    mine = api(desk.token_of(ann))
    desk.sign_in(ann)
    shop.clock.advance(timedelta(minutes=minutes))
    reply = mine.post(BASE, {"customer_id": ann, "kind": "access"})
    assert reply.json["state"] == "received"
    assert [letter.to for letter in desk.letters()] == [ANN]


def test_a_sign_in_of_somebody_else_confirms_nothing(shop, desk, ann, api):
    desk.sign_in(shop.customer("eve@example.org"))
    reply = api(desk.token_of(ann)).post(BASE, {"customer_id": ann, "kind": "access"})
    assert reply.json["state"] == "received"


def test_a_customer_sees_their_own_and_of_staff_no_name(shop, desk, ann, api):
    eve = shop.customer("eve@example.org")
    mine, theirs = desk.approved(ann, "rectification", note="My name."), desk.ask(eve)
    me = api(desk.token_of(ann))
    listed = me.get(BASE, query_string={"customer_id": ann}).json["items"]
    assert [item["id"] for item in listed] == [mine]
    assert me.get(BASE).status_code == 404
    assert me.get(BASE, query_string={"customer_id": eve}).status_code == 404
    assert me.get(f"{BASE}/{theirs}").status_code == 404
    assert me.get(f"{BASE}/{desk.ask(NOBODY)}").status_code == 404
    actors = {step["actor"] for step in me.get(f"{BASE}/{mine}").json["steps"]}
    assert actors == {"client"}
    assert me.post(BASE, {"customer_id": eve, "kind": "access"}).status_code == 404
    assert me.post(BASE, {**subject(ANN), "kind": "access"}).status_code == 404
    assert me.post(f"{BASE}/{mine}/cancel", {}).status_code == 403


# --- Listed


def test_requests_are_listed_by_state_kind_customer_and_date(shop, desk, ann):
    eve = shop.customer("eve@example.org", jurisdiction="US")
    one, two = desk.ask(ann), desk.confirmed(eve, "erasure")
    three, four = desk.ask(eve, "objection"), desk.ask(NOBODY)
    assert desk.listed() == [one, two, three, four]
    assert desk.listed(state="received") == [one, three]
    assert desk.listed(kind="erasure", state="confirmed") == [two]
    assert desk.listed(customer_id=eve) == [two, three]
    shop.clock.advance(timedelta(days=31))
    assert desk.listed(overdue="true") == [one]
    assert desk.show(one)["overdue"]
    shop.clock.advance(timedelta(days=31))
    assert desk.listed(overdue="true") == [one, two, three]


def test_a_list_comes_in_pages(shop, desk, ann):
    made = [desk.ask(ann) for _ in range(5)]
    found, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = shop.api.get(BASE, query_string=query).json
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        wrong = shop.api.get(BASE, query_string={**query, "cursor": cursor, "kind": "erasure"})
        assert fault(wrong) == ("/cursor", "invalid_cursor")
    assert found == made


@pytest.mark.parametrize("text", ["req_1", "req_", UNKNOWN, "req_" + UNKNOWN[4:]])
def test_what_is_no_request_is_not_found(shop, desk, text):
    assert shop.api.get(f"{BASE}/{text}").status_code == 404
    assert shop.api.post(f"{BASE}/{text}/hold", {"reason": "x"}).status_code == 404
