"""Recipients told by webhooks, over real HTTP, and what comes of it."""

import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
import structlog

from consent_service.cli.worker import WEBHOOK_LANES
from consent_service.recipients import service as recipients
from consent_service.webhooks import jobs
from consent_service.webhooks.events import FOR_RECIPIENT
from tests.support import log, receiver, small_catalogue
from tests.support.erasing import Eraser
from tests.support.processes import free_port, within
from tests.support.recipients import Recipient, serving

NAMES = ("broker", "mailer", "warehouse")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: each step is tried on both elsewhere."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"webhook_private_hosts": "127.0.0.1"})


@pytest.fixture(autouse=True)
def _quiet():
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def desk(shop):
    shop.load(*(small_catalogue.purpose(n, channels=[], recipients=[n]) for n in NAMES))
    return Eraser(shop)


@pytest.fixture
def make(app, make_client):
    """`make(name)`: a recipient that speaks to the app over HTTP."""
    with serving(app) as port:
        yield lambda name: Recipient(port, make_client(name, {"recipients:confirm"}, (name,)))


@pytest.fixture
def listens(shop):
    """`listens(recipient, says)`: gives it a webhook, which answers so."""

    def add(recipient, url, types=(FOR_RECIPIENT,)):
        body = {"url": url, "event_types": list(types), "client_id": recipient.made.client_id}
        reply = shop.api.post("/v1/webhooks", body)
        assert reply.status_code == 201, reply.json

    with ExitStack() as running:

        def make(recipient, says, types=(FOR_RECIPIENT,)):
            target = running.enter_context(receiver.running())
            target.always = lambda _: says(target.got[-1].body)
            add(recipient, target.url, types)
            return target

        make.nowhere = lambda recipient: add(recipient, f"http://127.0.0.1:{free_port()}/gone")
        yield make


def work(shop, by=timedelta(0)):
    """What the worker does after so long."""
    shop.clock.advance(by)
    with shop.app.app_context():
        log.seal()
        while jobs.dispatch(shop.clock()):
            continue
        recipients.reach(shop.clock())
        while any(jobs.serve_next(lambda: False, failing=lane) for lane in (False, True)):
            continue


def work_beside(shop, holds):
    """What the worker's lanes do beside each other, until something holds."""
    stop = threading.Event()

    def serve(failing):
        with shop.app.app_context():
            while not stop.wait(0.01):
                jobs.serve_next(stop.is_set, failing=failing)

    with shop.app.app_context():
        recipients.reach(shop.clock())
    lanes = [threading.Thread(target=serve, args=(lane,)) for lane in WEBHOOK_LANES]
    for lane in lanes:
        lane.start()
    try:
        within(20, holds)
    finally:
        stop.set()
        for lane in lanes:
            lane.join()


def told(desk, request):
    return {each["recipient"]: each for each in desk.show(request)["recipients"]}


def test_three_recipients_one_slow_one_failing_one_gone(shop, desk, make, listens):
    broker, mailer, warehouse = map(make, NAMES)
    others_tried, began = threading.Event(), shop.clock()

    def slow(body):
        if not others_tried.wait(8):
            return 500  # it held the others back
        mailer.confirm(body)
        return 204

    def failing(body):
        others_tried.set()
        if shop.clock() < began + HOUR:
            return 500
        broker.confirm(body, "nothing_held")
        return 204

    listens(mailer, slow)
    target = listens(broker, failing)
    listens.nowhere(warehouse)
    ann = shop.customer("ann@example.org")
    for name in NAMES:
        shop.say(ann, "given", name)
    request = desk.approved(ann, "erasure")
    desk.erased(request)
    work_beside(shop, lambda: told(desk, request)["mailer"]["outcome"] == "done")
    assert told(desk, request)["broker"]["outcome"] is None
    assert shop.reason(ann, "mailer") == "no_record"
    assert ann not in str([each.body for each in target.got])
    for _ in range(72):  # the last pause may be a fifth longer than its 85 minutes
        work(shop, 2 * MINUTE)
    assert told(desk, request)["broker"]["outcome"] == "nothing_held"
    assert 4 < len(target.got) < 9
    desk.carry_out()
    desk.clean()
    desk.carry_out()
    assert (desk.state(request), desk.show(request)["waits_for"]) == ("running", "recipients")
    assert not told(desk, request)["warehouse"]["overdue"]
    while shop.clock() < began + timedelta(hours=75):
        work(shop, HOUR)
    gone = told(desk, request)["warehouse"]
    assert (gone["overdue"], gone["reached_at"], gone["outcome"]) == (True, None, None)
    assert desk.act(request, "settle", recipient="warehouse").json["outcome"] == "settled"
    desk.carry_out()
    assert desk.state(request) == "failed"
    assert desk.show(request)["steps"][-1]["words"] == "warehouse"
    said = desk.certificate(request)
    assert (said["complete"], said["left"]) == (False, ["warehouse"])
    assert [(r["recipient"], r["outcome"]) for r in said["recipients"]] == [
        ("broker", "nothing_held"), ("mailer", "done"), ("warehouse", "settled"),
    ]  # fmt: skip
    assert [row for row in shop.rows("webhook_deliveries") if row["about"]] == []


def test_whoever_wants_no_more_is_told_where_it_is_then(shop, desk, make, listens):
    mailer = make("mailer")
    listens(mailer, lambda _: 410)
    ann = shop.customer()
    shop.say(ann, "given", "mailer")
    request = desk.approved(ann, "restriction")
    work(shop)
    assert told(desk, request)["mailer"]["reached_at"] is None
    fresh = listens(mailer, lambda _: 204)
    work(shop, 2 * MINUTE)
    work(shop, 4 * MINUTE)
    assert [got.event["type"] for got in fresh.got] == [FOR_RECIPIENT]
    assert told(desk, request)["mailer"]["reached_at"] is not None
    work(shop, 8 * MINUTE)
    assert len(fresh.got) == 1
    assert ann not in str(fresh.got)


def test_an_erasure_is_told_by_id_until_it_is_done(shop, desk, make, listens):
    away = [True]
    target = listens(make("warehouse"), lambda _: 503 if away else 204, ["customer.erased"])
    ann = shop.customer("ann@example.org")
    request = desk.approved(ann, "erasure")
    desk.erased(request)
    assert waits_for(shop, request) is None
    desk.swept(request)
    desk.carry_out()
    assert desk.state(request) == "running"  # not sent yet
    assert waits_for(shop, request) == "webhooks"
    work(shop)
    desk.carry_out()
    assert desk.state(request) == "running"  # it failed
    assert ann in feed(shop)
    away.clear()
    work(shop, HOUR)
    assert target.got[-1].event["subject"] == ann
    desk.carry_out()
    assert (desk.state(request), waits_for(shop, request)) == ("done", None)
    assert (shop.rows("webhook_erased"), "customer.erased" in feed(shop)) == ([], True)
    assert ann not in feed(shop)
    assert shop.rows("erasures")[0]["certificate"] is not None


def waits_for(shop, request):
    return shop.api.get(f"/v1/privacy-requests/{request}").json["waits_for"]


def feed(shop):
    with shop.app.app_context():
        log.seal()
    reply = shop.api.get("/v1/changes", query_string={"limit": 1000})
    assert reply.status_code == 200
    return reply.get_data(as_text=True)
