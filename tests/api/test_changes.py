"""The change feed: everything, in one order, and nothing that says who anybody is."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import new_uuid, parse_customer_id
from consent_service.ledger import feed, retention, service
from consent_service.ledger.model import Entry, EntryKind
from consent_service.personal_data import service as personal_data
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from consent_service.webhooks import changes, waiting
from tests.support import log
from tests.support.shop import Shop

ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # writers meet


@pytest.fixture
def sealed(app):
    """Seals what was logged."""

    def seal():
        with app.app_context():
            return log.seal()

    return seal


@pytest.fixture
def read(shop, sealed):
    """`read(cursor, …)`: a page of the feed, of all that was logged by now."""

    def page(cursor=None, status=200, **query):
        sealed()
        query |= {} if cursor is None else {"cursor": cursor}
        reply = shop.api.get("/v1/changes", query_string=query)
        assert reply.status_code == status, reply.json
        return reply.json

    return page


def types(page):
    return [item["type"] for item in page["items"]]


def test_everything_that_changes_is_told_once_and_in_order(shop, read):
    begun = read(start="now")["next_cursor"]
    ann, ben = shop.customer("ann@example.org"), shop.customer("ben@example.org")
    given = shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    shop.signal(ann)
    shop.check(ann)
    etag = {"If-Match": f'"{shop.revision(ann)}"'}
    assert (
        shop.api.patch(f"/v1/customers/{ann}", {"language": "de"}, headers=etag).status_code == 200
    )
    known = shop.suppress("ann@example.org")["id"]
    shop.suppress("nobody@example.org")
    assert shop.api.delete(f"/v1/suppressions/{known}").status_code == 200
    shop.merge(ann, ben)
    page = read(begun)
    assert types(page) == [
        "customer.created",
        "customer.created",
        "consent.given",
        "consent.withdrawn",
        "consent.gpc",
        "customer.changed",
        "suppression.recorded",
        "suppression.recorded",
        "suppression.closed",
        "customer.merged",
    ]
    items = page["items"]
    assert [item.get("customer_id") for item in items] == [ann] * 7 + [None] + [ann] * 2
    assert items[2]["revision"] == given["revision"]
    assert (items[2]["purpose"], items[2]["channel"]) == ("news", "email")
    assert [items[at].get("suppression_id") for at in (6, 7, 8)] == [known, None, known]
    assert items[9]["absorbed_id"] == ben
    assert items[9]["revision"] == shop.revision(ann)
    assert not page["more"]
    assert len({item["id"] for item in items}) == len(items)
    assert "example.org" not in str(page)


def test_the_catalogue_is_told_too(shop, read):
    begun = read()["next_cursor"]
    version = shop.load(log_retention_days={"decision": 400})
    (item,) = read(begun)["items"]
    assert (item["type"], item["catalogue_version"]) == ("catalogue.loaded", version)


def test_revisions_of_a_customer_rise_whatever_the_millisecond(shop, read):
    ann, ben = shop.customer(), shop.customer()
    begun = read()["next_cursor"]
    events = [
        shop.event(who, kind)
        for _ in range(20)
        for who in (ann, ben)
        for kind in ("given", "withdrawn")
    ]
    assert shop.api.post("/v1/consents", {"events": events}).status_code == 201
    items = read(begun, limit=1000)["items"]
    for who in (ann, ben):
        theirs = [(i["revision"], i["type"]) for i in items if i["customer_id"] == who]
        assert theirs == sorted(theirs)
        assert [kind for _, kind in theirs] == ["consent.given", "consent.withdrawn"] * 20
    with shop.app.app_context():
        assert log.verify().leaves == feed.find_size()


def test_pages_follow_one_another(shop, read):
    for _ in range(5):
        shop.customer()
    whole = read(limit=1000)["items"]
    found, cursor, more = [], None, True
    while more:
        page = read(cursor, limit=2)
        cursor, more = page["next_cursor"], page["more"]
        found += page["items"]
    assert found == whole
    assert read(cursor)["items"] == []
    shop.customer()
    assert types(read(cursor)) == ["customer.created"]


@ON_ONE_STORE
def test_who_sleeps_for_a_quarter_of_an_hour_misses_nothing(shop, read, clock):
    cursor = read()["next_cursor"]
    ann = shop.customer()
    clock.advance(timedelta(minutes=15))
    shop.say(ann, "given")
    assert types(read(cursor)) == ["customer.created", "consent.given"]


@ON_ONE_STORE
def test_types_can_be_chosen(shop, read):
    ann = shop.customer()
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    shop.suppress("x@example.org")
    assert types(read(types="consent.*")) == ["consent.given", "consent.withdrawn"]
    assert types(read(types="consent.withdrawn,suppression.recorded")) == [
        "consent.withdrawn",
        "suppression.recorded",
    ]
    reply = shop.api.get("/v1/changes?types=consent.nothing")
    assert (reply.status_code, reply.json["errors"][0]["pointer"]) == (422, "/types")


@ON_ONE_STORE
def test_a_cursor_is_of_its_types(shop, read):
    cursor = read(types="consent.*")["next_cursor"]
    assert read(cursor, types="consent.*")["items"] == []
    for query in ({}, {"types": "customer.*"}):
        assert read(cursor, 422, **query)["errors"][0]["code"] == "invalid_cursor"
    for made_up in ("x", "e30", cursor[:-4]):
        assert read(made_up, 422, types="consent.*")["code"] == "invalid"


def test_a_cursor_of_what_is_not_kept_any_more_is_gone(shop, read, app, clock):
    clock.now = utc_now()
    shop.customer()
    old, others = read()["next_cursor"], read(types="consent.*")["next_cursor"]
    days = timedelta(days=400)
    with app.app_context():
        retention.forget(clock.now + days, {EntryKind.CUSTOMER: 200})
    assert read(old, 410)["code"] == "cursor_too_old"
    assert read(others, types="consent.*")["items"] == []
    assert "customer.created" not in types(read())
    clock.advance(days)
    assert read(read()["next_cursor"])["items"] == []


def test_a_cursor_of_another_log_is_gone(shop, read):
    """A backup was put back: what followed the cursor is not what follows it now."""
    cursor = read()["next_cursor"]
    shop.change_store("UPDATE ledger_head SET size = size - 1")
    reply = shop.api.get("/v1/changes", query_string={"cursor": cursor})
    assert (reply.status_code, reply.json["code"]) == (410, "cursor_too_old")


def test_of_the_erased_nothing_is_told_but_their_erasure(shop, read, app, clock):
    ann = shop.customer()
    shop.say(ann, "given")
    cursor = read()["next_cursor"]
    who, erasure = parse_customer_id(ann), new_uuid()
    with app.app_context(), unit_of_work() as tx:
        for room in personal_data.ROOMS:
            room.erase(tx, [who])
        now = clock()
        entry = Entry(erasure, erasure, False, EntryKind.ERASURE, now, now)
        service.append([service.bare_entry(entry)])
        changes.announce_erased({erasure: who}, keys())
    (item,) = read(cursor)["items"]
    assert (item["type"], item["customer_id"]) == ("customer.erased", ann)
    assert [i["type"] for i in read()["items"] if i.get("customer_id") == ann] == [
        "customer.erased"
    ]
    with app.app_context():
        changes.forget_erased([erasure])
    (item,) = read(cursor)["items"]
    assert "customer_id" not in item
    assert ann not in str(read())


@contextmanager
def left_open(app, entry):
    """An entry that is written and not committed until the block ends."""
    written, end = threading.Event(), threading.Event()

    def work():
        with app.app_context(), unit_of_work():
            service.append([entry])
            written.set()
            assert end.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    assert written.wait(20)
    try:
        yield
    finally:
        end.set()
        thread.join()


@ONLY_POSTGRESQL
def test_what_is_committed_late_is_passed_by_by_nobody(shop, read, app):
    cursor = read()["next_cursor"]
    earlier = log.an_entry(kind=EntryKind.CUSTOMER, reason="changed")
    with left_open(app, earlier):
        shop.customer()
        page = read(cursor)
        assert types(page) == ["customer.created"]
        assert read(page["next_cursor"])["items"] == []
    later = read(page["next_cursor"])
    assert types(later) == ["customer.changed"]
    assert types(read(cursor)) == ["customer.created", "customer.changed"]


def waiting_for(app, token, seconds, cursor, found):
    def work():
        started = time.monotonic()
        path = "/v1/changes?" + urlencode({"wait": seconds, "cursor": cursor})
        reply = app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
        found.append((reply, time.monotonic() - started))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@ON_ONE_STORE
def test_a_change_ends_the_waiting(shop, read, app, sealed):
    cursor, found = read()["next_cursor"], []
    thread = waiting_for(app, shop.token, 20, cursor, found)
    try:
        time.sleep(0.4)
        assert found == []
        ann = shop.customer()
        sealed()
    finally:
        thread.join()
    ((reply, took),) = found
    assert took < 5
    assert [item["customer_id"] for item in reply.json["items"]] == [ann]


@ON_ONE_STORE
def test_only_so_many_wait(shop, read, app):
    cursor, found = read()["next_cursor"], []
    assert [waiting.seats(threads) for threads in (1, 2, 3, 4, 8)] == [0, 0, 1, 1, 3]
    threads = [waiting_for(app, shop.token, 1, cursor, found) for _ in range(5)]
    for thread in threads:
        thread.join()
    took = sorted((seconds, reply.headers.get("Retry-After")) for reply, seconds in found)
    assert [retry for _, retry in took] == ["1", "1", None, None, None]
    assert took[1][0] < 1 <= took[2][0]
    assert all(reply.status_code == 200 for reply, _ in found)
    assert all(reply.json["items"] == [] for reply, _ in found)


@ON_ONE_STORE
def test_the_feed_is_not_for_everybody(shop, open_shop, read):
    read()
    assert open_shop("other", {"consents:read"}).api.get("/v1/changes").status_code == 403
    assert isinstance(shop, Shop)
    assert SYSTEM.in_log
