"""Webhooks: what is sent, to whom, in which order, and what comes of it. Receivers are real servers
on this machine, which is allowed by name."""

import base64
import hashlib
import hmac
import re
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from consent_service.app import create_app
from consent_service.cli.worker import WEBHOOK_LANES
from consent_service.kernel.clock import parse_rfc3339, utc_now
from consent_service.kernel.ids import new_uuid, parse_customer_id
from consent_service.ledger.model import Entry, EntryKind
from consent_service.personal_data import service as personal_data
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from consent_service.webhooks import changes, delivering, jobs, service
from consent_service.webhooks.envelope import new_secret
from consent_service.webhooks.events import FOR_RECIPIENT, TYPES
from tests.support import log, receiver

EVERYTHING = ["consent.*", "customer.*", "suppression.*", "privacy_request.*"]
NEVER = bool
ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # writers meet
PAGE = Path(__file__).parents[2] / "docs/webhooks.md"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"webhook_private_hosts": "127.0.0.1"})


@pytest.fixture(autouse=True)
def _quiet():
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def target():
    with receiver.running() as running:
        yield running


@pytest.fixture
def add(shop, work):
    """`add(target, …)`: a webhook there, and its secret."""

    def make(target, event_types=("consent.*",), **more):
        work()
        url = target if isinstance(target, str) else target.url
        body = {"url": url, "event_types": list(event_types), **more}
        reply = shop.api.post("/v1/webhooks", body)
        assert reply.status_code == 201, reply.json
        return reply.json

    return make


@pytest.fixture
def work(app):
    """What the worker does, until there is nothing to do; how many tries it made."""

    def until_nothing():
        with app.app_context():
            return run()

    return until_nothing


def run():
    log.seal()
    while jobs.dispatch(jobs.now()):
        continue
    tries = 0
    while made := sum(jobs.serve_next(NEVER, failing=failing) for failing in (False, True)):
        tries += made
    return tries


@pytest.fixture
def deliveries(shop):
    def items(webhook, **query):
        path = f"/v1/webhooks/{webhook['id']}/deliveries"
        reply = shop.api.get(path, query_string=query)
        assert reply.status_code == 200, reply.json
        return reply.json["items"]

    return items


def shown(shop, webhook):
    return shop.api.get(f"/v1/webhooks/{webhook['id']}").json


def signature(secret, got):
    """As whoever receives it computes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_change_is_sent_signed_in_an_envelope(shop, add, target, work, clock, settings):
    webhook = add(target)
    ann = shop.customer()
    said = shop.say(ann, "withdrawn")
    assert work() == 1
    (got,) = target.got
    assert got.path == "/in"
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert got.headers["webhook-timestamp"] == str(int(clock().timestamp()))
    assert got.headers["webhook-signature"] == signature(webhook["secret"], got)
    event = got.event
    assert (event["specversion"], event["type"]) == ("1.0", "consent.withdrawn")
    assert event["id"] == got.headers["webhook-id"]
    assert (event["source"], event["subject"]) == (settings.base_url, ann)
    assert event["data"]["revision"] == said["revision"]
    (item,) = shop.api.get("/v1/changes?types=consent.*").json["items"]
    assert item == {"id": event["id"], "type": event["type"], **event["data"]}
    assert work() == 0


@ON_ONE_STORE
def test_the_page_says_how_to_verify(shop, add, target, work, clock):
    clock.now = utc_now()
    webhook = add(target)
    shop.say(shop.customer(), "given")
    work()
    (got,) = target.got
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    page = {}
    exec(code, page)  # noqa: S102  # what the page tells people to run
    is_ours = page["is_ours"]
    assert is_ours(got.headers, got.body, webhook["secret"])
    assert not is_ours(got.headers, got.body + b" ", webhook["secret"])
    assert not is_ours(got.headers, got.body, new_secret())
    old = {**got.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    assert not is_ours(old, got.body, webhook["secret"])


def test_the_page_names_every_type():
    page = PAGE.read_text(encoding="utf-8")
    for name in TYPES:
        family, _, last = name.partition(".")
        assert f"`{family}." in page
        assert family == "privacy_request" or f".{last}`" in page, name


def test_only_what_is_wanted_and_happens_from_now_on_is_sent(shop, add, target, work):
    ann = shop.customer()
    shop.say(ann, "given")
    add(target, ["consent.withdrawn"])
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    work()
    assert target.types == ["consent.withdrawn"]


@ON_ONE_STORE
def test_a_webhook_before_the_first_worker_gets_what_followed_it(shop, target, app, work):
    ann = shop.customer()
    with app.app_context():
        log.seal()
    body = {"url": target.url, "event_types": ["customer.*", "consent.*"]}
    assert shop.api.post("/v1/webhooks", body).status_code == 201
    shop.say(ann, "given")
    work()
    assert target.types == ["consent.given"]


@ON_ONE_STORE
def test_500s_for_75_hours_and_then_it_is_given_up(shop, add, target, work, clock, deliveries):
    webhook, target.always = add(target), 500
    begun = clock()
    shop.say(shop.customer(), "given")
    tries = 0
    while True:
        tries += work()
        (delivery,) = deliveries(webhook)
        if delivery["state"] != "waiting":
            break
        clock.now = parse_rfc3339(delivery["next_try_at"])
    assert (delivery["state"], delivery["tries"]) == ("given_up", tries)
    assert (delivery["last_status"], delivery["next_try_at"]) == (500, None)
    assert clock() - begun == timedelta(hours=75)
    assert 20 < tries < 40
    assert len(set(target.ids)) == 1
    assert len({got.body for got in target.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in target.got}) == tries
    assert shown(shop, webhook)["deliveries"] == {"waiting": 0, "delivered": 0, "given_up": 1}
    target.always = 204
    path = f"/v1/webhooks/{webhook['id']}/deliveries/replay"
    assert shop.api.post(path, {}).json == {"replayed": 1}
    clock.advance(timedelta(minutes=2))
    assert work() == 1
    assert [each["state"] for each in deliveries(webhook)] == ["delivered"]
    assert len(set(target.ids)) == 1
    again = {"delivery_ids": [delivery["id"]]}
    assert shop.api.post(path, again).json == {"replayed": 1}
    assert shop.api.post(path, again).json == {"replayed": 0}  # it waits
    assert work() == 1
    nobodys = {"delivery_ids": [delivery["id"], "dlv_" + "0" * 26]}
    assert shop.api.post(path, nobodys).status_code == 404


def test_changes_of_a_customer_wait_for_one_another_and_for_nobody_else(
    shop, add, target, work, clock
):
    add(target)
    ann, ben = shop.customer(), shop.customer()
    target.says = [503]
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    shop.say(ben, "given")
    work()
    clock.advance(timedelta(seconds=2))
    work()
    assert [got.event["subject"] for got in target.got] == [ann, ben]
    clock.advance(timedelta(seconds=10))
    work()
    assert [got.event["type"] for got in target.got if got.event["subject"] == ann] == [
        "consent.given",
        "consent.given",
        "consent.withdrawn",
    ]
    revisions = [got.event["data"]["revision"] for got in target.got[2:]]
    assert revisions == sorted(revisions)


def test_what_waits_for_an_earlier_change_is_put_off_with_it(
    shop, add, target, work, clock, deliveries
):
    webhook, target.says = add(target), [500]
    ann = shop.customer()
    shop.say(ann, "given")
    work()
    for _ in range(3):
        shop.say(ann, "withdrawn")
    clock.advance(timedelta(seconds=2))  # it is not left alone any more, and not due yet
    assert work() == 0
    assert len({each["next_try_at"] for each in deliveries(webhook)}) == 1
    clock.advance(timedelta(seconds=5))
    assert work() == 4
    assert target.types == ["consent.given"] * 2 + ["consent.withdrawn"] * 3


def test_410_disables_until_it_is_enabled(shop, add, target, work, deliveries, clock):
    webhook, target.says = add(target), [410]
    ann = shop.customer()
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    assert work() == 1
    assert shown(shop, webhook)["disabled_at"] is not None
    assert sorted(each["state"] for each in deliveries(webhook)) == ["given_up", "waiting"]
    shop.say(ann, "given")
    assert work() == 0
    assert len(deliveries(webhook)) == 2
    enabled = shop.api.post(f"/v1/webhooks/{webhook['id']}/enable")
    assert (enabled.status_code, enabled.json["disabled_at"]) == (200, None)
    assert work() == 1
    assert target.types == ["consent.given", "consent.withdrawn"]


def test_what_waits_for_a_disabled_webhook_is_given_up(
    shop, add, target, work, deliveries, clock, app
):
    webhook, target.says = add(target), [410]
    ann = shop.customer()
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    work()
    clock.advance(timedelta(hours=77))
    with app.app_context():
        jobs.tidy(clock())
    assert [each["state"] for each in deliveries(webhook)] == ["given_up", "given_up"]
    assert sorted(each["tries"] for each in deliveries(webhook, state="given_up")) == [0, 1]
    clock.advance(timedelta(days=31))
    with app.app_context():
        jobs.tidy(clock())
    assert deliveries(webhook) == []


@ON_ONE_STORE
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure(shop, add, target, work, deliveries, status):
    with receiver.running() as elsewhere:
        webhook, target.says = add(target), [(status, {"Location": elsewhere.url})]
        shop.say(shop.customer(), "given")
        assert work() == 1
        assert elsewhere.got == []
    (delivery,) = deliveries(webhook)
    assert (delivery["state"], delivery["last_status"]) == ("waiting", status)
    assert "elsewhere" in delivery["last_error"]


@ON_ONE_STORE
def test_who_hangs_up_or_is_not_there_is_tried_again(shop, add, target, work, deliveries, clock):
    webhook, target.says = add(target), [None]
    nobody = add("http://127.0.0.1:9/")
    shop.say(shop.customer(), "given")
    work()
    for each in (webhook, nobody):
        (delivery,) = deliveries(each)
        assert (delivery["state"], delivery["last_status"]) == ("waiting", None)
        assert delivery["last_error"] == "does not answer"
    clock.advance(timedelta(seconds=10))
    work()
    assert target.ids[0] == target.ids[1]
    assert [each["state"] for each in deliveries(webhook)] == ["delivered"]


@ON_ONE_STORE
def test_what_is_answered_is_not_read_nor_shown(shop, add, target, work, deliveries):
    def endless(handler):
        handler.send_response(500)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"ann@example.org" * 1_000)
        except OSError:
            handler.close_connection = True

    webhook, target.says = add(target), [endless]
    shop.say(shop.customer(), "given")
    started = time.monotonic()
    assert work() == 1
    assert time.monotonic() - started < 5
    assert "example.org" not in str(deliveries(webhook))
    assert deliveries(webhook)[0]["last_status"] == 500


def test_slow_targets_hold_nobody_up(shop, add, app, clock, monkeypatch):
    """More of them than lanes, each with much to be sent, and all of them first."""
    monkeypatch.setattr(delivering, "PATIENCE_S", 0.5)
    with ExitStack() as stack:
        slow = [stack.enter_context(receiver.running()) for _ in WEBHOOK_LANES]
        quick = stack.enter_context(receiver.running())
        for each in slow:
            each.always = lambda handler: time.sleep(1)
            add(each)
        add(quick)
        for _ in range(3):
            shop.say(shop.customer(), "given")
        with app.app_context():
            log.seal()
            jobs.dispatch(clock())
        with workers(app, lambda: len(quick.got) == 3) as working:
            assert working.took < 2
        assert sum(len(each.got) for each in slow) >= len(slow) - 1


class workers:  # noqa: N801  # used like a function
    """The lanes of a worker, until it is so or five seconds have gone."""

    def __init__(self, app, ready):
        self.stop, self.ready = threading.Event(), ready
        self.threads = [
            threading.Thread(target=self.lane, args=(app, failing)) for failing in WEBHOOK_LANES
        ]

    def lane(self, app, failing):
        with app.app_context():
            while not self.stop.is_set():
                if not jobs.serve_next(self.stop.is_set, failing=failing):
                    self.stop.wait(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        started = time.monotonic()
        while not self.ready() and time.monotonic() - started < 5:
            time.sleep(0.02)
        self.took = time.monotonic() - started
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_two_workers_send_each_change_once(shop, add, target, app, settings, clock, deliveries):
    webhook = add(target)
    people = [shop.customer() for _ in range(10)]
    for who in people:
        shop.say(who, "given")
        shop.say(who, "withdrawn")
    other = create_app(settings, clock)
    with app.app_context():
        log.seal()

    def work(of):
        with of.app_context():
            jobs.dispatch(clock())
            while jobs.serve_next(NEVER, failing=False):
                continue

    threads = [threading.Thread(target=work, args=(of,)) for of in (app, other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(app)
    assert len(deliveries(webhook)) == 20
    assert len(target.ids) == len(set(target.ids)) == 20
    for who in people:
        theirs = [got.event["type"] for got in target.got if got.event["subject"] == who]
        assert theirs == ["consent.given", "consent.withdrawn"]
    with other.app_context():
        db.engine.dispose()


def test_a_worker_that_died_is_followed_by_another(shop, add, target, work, clock, monkeypatch):
    """It is sent again under its id: the first worker may have sent it, or not."""
    add(target)
    shop.say(shop.customer(), "given")

    def die(*_, **__):
        raise SystemExit

    monkeypatch.setattr(delivering, "_keep", die)
    monkeypatch.setattr(delivering.store, "release", lambda *_: None)
    with pytest.raises(SystemExit):
        work()
    monkeypatch.undo()
    assert work() == 0
    clock.advance(delivering.LEASE)
    assert work() == 1
    assert len(target.got) == 2
    assert len(set(target.ids)) == 1


@ON_ONE_STORE
def test_a_new_secret_signs_beside_the_old_one_for_a_while(shop, add, target, work, clock):
    webhook = add(target)
    ann = shop.customer()

    def signed_by():
        shop.say(ann, "given")
        work()
        return target.got[-1].headers["webhook-signature"].split(" ")

    def by(*secrets):
        return [signature(each, target.got[-1]) for each in secrets]

    def rotate(**more):
        reply = shop.api.post(f"/v1/webhooks/{webhook['id']}/secrets", more)
        assert reply.status_code == 201
        return reply.json["secret"]

    first = webhook["secret"]
    second = rotate(overlap_hours=2)
    assert signed_by() == by(second, first)
    clock.advance(timedelta(hours=1))
    third = rotate(overlap_hours=2)
    assert signed_by() == by(third, second)
    clock.advance(timedelta(hours=2))
    assert signed_by() == by(third)
    fourth = rotate(overlap_hours=0)
    assert signed_by() == by(fourth)


@ON_ONE_STORE
def test_secrets_and_addresses_are_sealed_and_shown_once(shop, add, target, work):
    webhook = add(target.url + "?token=canary")
    assert "secret" not in shown(shop, webhook)
    assert "secret" not in shop.api.get("/v1/webhooks").json["items"][0]
    rows = str(shop.rows("webhooks")) + str(shop.rows("webhook_secrets"))
    assert "canary" not in rows
    assert webhook["secret"] not in rows
    assert shown(shop, webhook)["url"].endswith("?token=canary")


def test_a_webhook_that_was_deleted_is_sent_nothing(shop, add, target, work):
    webhook = add(target)
    shop.say(shop.customer(), "given")
    path = f"/v1/webhooks/{webhook['id']}"
    assert shop.api.delete(path).status_code == 204
    work()
    assert target.got == []
    assert shop.api.delete(path).status_code == 404
    assert shop.api.get(path + "/deliveries").status_code == 404
    assert [shop.rows(name) for name in ("webhooks", "webhook_secrets", "webhook_deliveries")] == [
        [],
        [],
        [],
    ]


def test_a_disabled_clients_webhook_is_sent_nothing(
    shop, add, target, work, make_client, clock, app
):
    make_client("mailer", {"recipients:confirm"}, ["mailer"])
    add(target, client_id="mailer")
    ann = shop.customer()
    shop.say(ann, "given")
    with app.app_context():
        log.seal()
        jobs.dispatch(clock())
    assert shop.api.patch("/v1/clients/mailer", {"disabled": True}).status_code == 200
    shop.say(ann, "withdrawn")
    assert work() == 0
    assert shop.api.patch("/v1/clients/mailer", {"disabled": False}).status_code == 200
    clock.advance(timedelta(minutes=2))
    assert work() == 1


@ON_ONE_STORE
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://hooks.example.org/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": "https://[::ffff:127.0.0.1]/"}, "/url"),
        ({"url": "http://localhost:8000/"}, "/url"),
        ({"url": "https://ann:secret@hooks.example.org/"}, "/url"),
        ({"url": "https://[::1/"}, "/url"),
        ({"event_types": ["consent.nothing"]}, "/event_types/0"),
        ({"event_types": []}, "/event_types"),
        ({"client_id": "nobody"}, "/client_id"),
    ],
)
def test_what_cannot_be_meant_is_refused(shop, body, pointer):
    whole = {"url": "https://hooks.example.org/", "event_types": ["consent.*"], **body}
    reply = shop.api.post("/v1/webhooks", whole)
    assert (reply.status_code, reply.json["errors"][0]["pointer"]) == (422, pointer)
    assert "secret" not in str(reply.json)


@ON_ONE_STORE
def test_a_name_that_leads_inside_is_spoken_to_only_if_it_is_allowed(
    shop, add, target, work, deliveries, monkeypatch, clock
):
    """The name server says another thing than when the webhook was added."""
    port = target.url.split(":")[2].split("/")[0]
    webhook = add(f"https://hooks.example.org:{port}/in")
    found = [(2, 1, 6, "", ("127.0.0.1", int(port)))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    shop.say(shop.customer(), "given")
    work()
    (delivery,) = deliveries(webhook)
    assert delivery["last_error"] == "is at a private address"
    assert target.got == []


def tell(app, clock, recipient, about, **data):
    with app.app_context():
        return service.tell(recipient, FOR_RECIPIENT, data, about, clock(), keys())


def test_what_is_for_one_recipient_goes_to_its_clients_alone(
    shop, add, target, work, app, clock, make_client
):
    make_client("mailer", {"recipients:confirm"}, ["mailer"])
    make_client("broker", {"recipients:confirm"}, ["broker"])
    with receiver.running() as other, receiver.running() as unwilling:
        webhook = add(target, [FOR_RECIPIENT], client_id="mailer")
        add(other, [FOR_RECIPIENT], client_id="broker")
        add(unwilling, ["consent.*"], client_id="mailer")
        request = new_uuid()
        assert tell(app, clock, "mailer", request, request_id="req_1", kind="erasure") == 1
        assert "req_1" not in str(shop.rows("webhook_deliveries"))
        assert work() == 1
        assert other.got == unwilling.got == []
    (got,) = target.got
    assert got.headers["webhook-signature"] == signature(webhook["secret"], got)
    assert (got.event["type"], got.event["data"]) == (
        FOR_RECIPIENT,
        {"request_id": "req_1", "kind": "erasure"},
    )


def test_what_is_told_is_of_the_callers_unit_of_work(shop, add, target, work, app, clock):
    add(target, [FOR_RECIPIENT])

    def fail():
        with app.app_context(), unit_of_work():
            assert service.tell("mailer", FOR_RECIPIENT, {}, new_uuid(), clock(), keys()) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert work() == 0


def test_what_was_told_about_a_request_can_be_forgotten(shop, add, target, work, app, clock):
    add(target, [FOR_RECIPIENT])
    first, second = new_uuid(), new_uuid()
    tell(app, clock, "mailer", first, n=1)
    work()
    tell(app, clock, "mailer", first, n=2)
    tell(app, clock, "mailer", second, n=3)
    with app.app_context():
        assert service.forget_told([first]) == 2
    work()
    assert [got.event["data"]["n"] for got in target.got] == [1, 3]


def test_of_the_erased_nothing_waits_to_be_sent(shop, add, target, work, app, deliveries, clock):
    webhook = add(target, EVERYTHING)
    ann, ben = shop.customer(), shop.customer()
    work()
    target.got.clear()
    shop.say(ann, "given")
    shop.say(ben, "given")
    with app.app_context():
        log.seal()
        jobs.dispatch(clock())
        erase(parse_customer_id(ann), clock)
    work()
    assert [(got.event["type"], got.event["subject"]) for got in target.got] == [
        ("consent.given", ben),
        ("customer.erased", ann),
    ]
    who = parse_customer_id(ann)
    assert all(row["customer_id"] != who for row in shop.rows("webhook_deliveries"))
    assert str(ann) not in str(deliveries(webhook))


def erase(who, clock):
    with unit_of_work() as tx:
        for room in personal_data.ROOMS:
            room.erase(tx, [who])
        made = new_uuid()
        entry = Entry(made, made, False, EntryKind.ERASURE, clock(), clock())
        log.service.append([log.service.bare_entry(entry)])
        changes.announce_erased({made: who}, keys())
    return made


@ONLY_POSTGRESQL
def test_what_an_erasure_is_at_is_not_written_down(shop, add, target, work, app, clock, request):
    """Deliveries are made while the erasure has not been committed."""
    ann, ben = shop.customer(), shop.customer()
    add(target)
    shop.say(ben, "given")
    time.sleep(0.002)  # ids of one millisecond are in no order
    shop.say(ann, "given")
    time.sleep(0.002)
    shop.say(ben, "withdrawn")
    who = parse_customer_id(ann)
    with app.app_context():
        log.seal()
    erased, end = threading.Event(), threading.Event()

    def erasing():
        with app.app_context(), unit_of_work() as tx:
            for room in personal_data.ROOMS:
                room.erase(tx, [who])
            erased.set()
            assert end.wait(20)

    thread = threading.Thread(target=erasing)
    thread.start()
    try:
        assert erased.wait(20)
        work()
        assert target.types == ["consent.given"]
    finally:
        end.set()
        thread.join()
    work()
    assert [got.event["subject"] for got in target.got] == [ben, ben]
    assert who not in {row["customer_id"] for row in shop.rows("webhook_deliveries")}


@ONLY_POSTGRESQL
def test_an_erasure_waits_for_deliveries_that_are_being_made(shop, add, target, app, clock):
    add(target)
    ann = shop.customer()
    shop.say(ann, "given")
    who, done = parse_customer_id(ann), threading.Event()

    def erasing():
        with app.app_context(), unit_of_work() as tx:
            for room in personal_data.ROOMS:
                room.erase(tx, [who])
        done.set()

    thread = threading.Thread(target=erasing)
    with app.app_context():
        log.seal()
        with unit_of_work():
            jobs.dispatch(clock())
            thread.start()
            assert not done.wait(0.5)
    thread.join()
    assert shop.rows("webhook_deliveries") == []


def test_an_erasure_that_is_forgotten_is_not_sent(shop, add, target, work, app, clock):
    add(target, ["customer.erased"])
    ann = shop.customer()
    with app.app_context():
        log.seal()
        made = erase(parse_customer_id(ann), clock)
        log.seal()
        jobs.dispatch(clock())
        changes.forget_erased([made])
    work()
    assert target.got == []
    assert shop.rows("webhook_deliveries") == []


def test_a_merge_takes_what_waits_along(shop, add, target, work, app, clock):
    add(target, ["consent.*"])
    kept, absorbed = shop.customer(), shop.customer()
    shop.say(absorbed, "given")
    with app.app_context():
        log.seal()
        jobs.dispatch(clock())
    shop.merge(kept, absorbed)
    work()
    assert [got.event["subject"] for got in target.got] == [kept]
    with app.app_context():
        told = personal_data.export(parse_customer_id(kept), keys())["told_by_webhook"]
    assert [(each["client"], each["event_type"], each["state"]) for each in told] == [
        ("shop", "consent.given", "delivered")
    ]


@ON_ONE_STORE
def test_pages_of_deliveries_follow_one_another(shop, add, target, work, deliveries):
    webhook = add(target)
    for _ in range(3):
        shop.say(shop.customer(), "given")
    work()
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    first = shop.api.get(path, query_string={"limit": 2}).json
    query = {"limit": 2, "cursor": first["next_cursor"]}
    second = shop.api.get(path, query_string=query).json
    assert second["next_cursor"] is None
    assert first["items"] + second["items"] == deliveries(webhook)
    query |= {"state": "waiting"}
    assert shop.api.get(path, query_string=query).status_code == 422


@ON_ONE_STORE
def test_webhooks_are_for_who_manages_them(open_shop):
    api = open_shop("other", {"changes:read"}).api
    assert api.get("/v1/webhooks").status_code == 403
    body = {"url": "https://hooks.example.org/", "event_types": ["consent.*"]}
    assert api.post("/v1/webhooks", body).status_code == 403
