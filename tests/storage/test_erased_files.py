"""After an erasure and its clean-up nothing of the person, nor their id, stands in what the
database writes down. What is searched: on SQLite the file and its WAL, byte by byte; on PostgreSQL
a dump, and the files of tables and indexes."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url

from consent_service.erasures import cleaning
from consent_service.kernel.ids import parse_customer_id
from consent_service.recipients import service as recipients
from consent_service.webhooks import jobs
from tests.storage.test_no_plaintext import occurring, written_down
from tests.support import log, receiver
from tests.support.erasing import Eraser
from tests.support.requests import BASE

CANARY = {
    "canaryann@example.org", "+493012345671", "CANARY-NUMBER-1", "Canaryfirst", "Canarylast",
    "Canary-evidence", "Canary-note", "Canary-reason", "Canary-campaign",
}  # fmt: skip
FILES = """
SELECT c.relname, current_setting('data_directory') || '/' || pg_relation_filepath(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i', 't')
"""


def forms_of(customer):
    """An id as it may stand somewhere: its text, in hex with and without hyphens, its bytes."""
    found = parse_customer_id(customer)
    return {customer.encode(), str(found).encode(), found.hex.encode(), found.bytes}


def files_of(store):
    """The bytes of every table and index, by name."""
    plain = make_url(store).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        found = {}
        for name, path in connection.execute(FILES).fetchall():
            with open(path, "rb") as file:
                found[name] = file.read()
    return found


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"webhook_private_hosts": "127.0.0.1"})


@pytest.fixture
def desk(shop):
    return Eraser(shop)


@pytest.fixture
def ann(shop, desk, api):
    """Somebody with a canary in every field there is."""
    who = shop.customer(
        "canaryann@example.org", "+493012345671", "CANARY-NUMBER-1",
        profile={"first_name": "Canaryfirst", "last_name": "Canarylast"}, language="en",
    )  # fmt: skip
    shop.say(who, "given", evidence={"form": "Canary-evidence"})
    shop.check(who, context={"campaign": "Canary-campaign"})
    shop.suppress("canaryann@example.org", "undeliverable")
    desk.sign_in(who)
    desk.token_of(who)
    headers = {"Idempotency-Key": "canary"}
    shop.api.post(
        BASE, {"customer_id": who, "kind": "access", "note": "Canary-note"}, headers=headers
    )
    desk.act(desk.ask(who, "rectification", note="Canary-note"), "hold", reason="Canary-reason")
    return who


def tell_webhooks(shop):
    """The worker's part in webhooks; how many tries were made."""
    with shop.app.app_context():
        log.seal()
        while jobs.dispatch(shop.clock()):
            continue
        recipients.reach(shop.clock())
        return sum(jobs.serve_next(bool, failing=lane) for lane in (False, True))


def add_webhook(shop, url):
    tell_webhooks(shop)
    types = ["consent.*", "customer.*", "privacy_request.*"]
    reply = shop.api.post("/v1/webhooks", {"url": url, "event_types": types})
    assert reply.status_code == 201, reply.json


def test_nothing_of_the_person_is_left(shop, desk, store, ann, caplog, capfd):
    other = shop.customer()
    with receiver.running() as target:
        add_webhook(shop, target.url)
        request = desk.approved(ann, "erasure", note="Canary-note")
        assert tell_webhooks(shop)
        assert any(form in written_down(store) for form in forms_of(ann))
        life = _life_keys(shop)
        desk.erased(request)
        shop.clock.advance(timedelta(seconds=2))
        assert tell_webhooks(shop)
        told = {got.event["type"]: got.event for got in target.got}
        assert told["customer.erased"]["subject"] == ann
        assert "subject" not in told["privacy_request.for_recipient"]
        assert desk.run(request) == "done"
    feed = shop.api.get("/v1/changes", query_string={"limit": 1000}).get_data()
    assert b"customer.erased" in feed
    assert ann.encode() not in feed
    assert (shop.rows("webhook_erased"), shop.rows("recipient_tasks")[0]["about"]) == ([], None)
    with shop.app.app_context():
        assert cleaning.rewrite()
    written = written_down(store)
    assert {form for form in forms_of(ann) if form in written} == set()
    assert occurring(CANARY, written) == set()
    if "postgresql" in store:
        raw = files_of(store)
        mine = life - _life_keys(shop)
        wanted = forms_of(ann) | mine
        assert {n for n, some in raw.items() for form in wanted if form in some} == set()
    said = "".join(capfd.readouterr()) + caplog.text
    assert occurring(CANARY, said.encode()) == set()
    exported = shop.api.get(f"/v1/customers/{other}/disclosures").get_data()
    assert occurring(CANARY, exported) == set()


def _life_keys(shop):
    return {bytes(row["wrapped"]) for row in shop.rows("customer_keys") if row["kind"] == "life"}


def test_after_the_workers_own_cleaning_no_value_is_left(shop, desk, store, ann):
    assert desk.run(desk.approved(ann, "erasure")) == "done"
    raw = written_down(store) if "sqlite" in store else b"".join(files_of(store).values())
    assert occurring(CANARY, raw) == set()
    assert shop.rows("erasures")[0]["cleaned_at"] is not None
