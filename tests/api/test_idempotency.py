import threading
from datetime import timedelta

import pytest

from consent_service.kernel.errors import Unavailable
from consent_service.oauth.guard import require_scope
from consent_service.storage.db import Base
from consent_service.storage.unit_of_work import reading
from consent_service.web import idempotency
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent

WRITE = "/v1/customers"
SCOPES = {"customers:write", "customers:read"}


def body(value="anna@example.org"):
    return {"identifiers": [{"type": "email", "value": value}]}


def key(text):
    return {"Idempotency-Key": text}


@pytest.fixture
def website(api, make_client, token_for):
    return api(token_for(make_client("website", SCOPES)))


def test_the_same_key_and_body_give_the_same_answer_once(website):
    first = website.post(WRITE, body(), headers=key("k1"))
    again = website.post(WRITE, body(), headers=key("k1"))
    assert first.status_code == again.status_code == 201
    assert again.json == first.json
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_without_a_key_each_request_is_a_new_one(website):
    made = {website.post(WRITE, {}).json["id"] for _ in range(2)}
    assert len(made) == 2


@pytest.mark.parametrize("other", [body("boris@example.org"), {}], ids=["value", "empty"])
def test_the_same_key_with_another_body_is_422(website, other):
    website.post(WRITE, body(), headers=key("k1"))
    reply = website.post(WRITE, other, headers=key("k1"))
    assert (reply.status_code, reply.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_belongs_to_its_client(api, website, make_client, token_for):
    other = api(token_for(make_client("other", SCOPES)))
    assert website.post(WRITE, body(), headers=key("k1")).status_code == 201
    assert other.post(WRITE, body("boris@example.org"), headers=key("k1")).status_code == 201


def test_a_key_whose_request_was_refused_is_free(website):
    website.post(WRITE, body())
    assert website.post(WRITE, body(), headers=key("k1")).status_code == 409
    assert website.post(WRITE, body("boris@example.org"), headers=key("k1")).status_code == 201


@pytest.mark.parametrize("text", ["", "x" * 256])
def test_a_key_of_no_use_is_422(website, text):
    reply = website.post(WRITE, body(), headers=key(text))
    assert (reply.status_code, reply.json["code"]) == (422, "invalid")


def test_a_key_is_kept_for_24_hours(app, website, clock, token_for, api):
    website.post(WRITE, body(), headers=key("k1"))
    clock.advance(timedelta(hours=24))
    with app.app_context():
        assert idempotency.delete_expired() == 0
    clock.advance(timedelta(microseconds=1))
    with app.app_context():
        assert idempotency.delete_expired() == 1


def test_a_look_up_ignores_keys(website):
    website.post(WRITE, body())
    for value, status in (("anna@example.org", 200), ("boris@example.org", 404)):
        wanted = {"identifier": {"type": "email", "value": value}}
        reply = website.post(WRITE + "/lookup", wanted, headers=key("k1"))
        assert reply.status_code == status


def test_the_store_holds_neither_key_nor_answer(app, website):
    made = website.post(WRITE, body(), headers=key("a-telling-key")).json["id"]
    with app.app_context(), reading() as tx:
        kept = [
            tuple(row)
            for name in ("idempotency_claims", "idempotency_records")
            for row in tx.execute(Base.metadata.tables[name].select())
        ]
    assert len(kept) == 2
    for secret in ("a-telling-key", made, "anna"):
        assert secret not in repr(kept)


def test_many_at_once_with_one_key_have_one_effect(app, make_client, token_for):
    token = token_for(make_client("website", SCOPES))
    start, replies = threading.Barrier(8), []

    def send():
        start.wait()
        replies.append(
            app.test_client().post(
                WRITE, json=body(), headers={"Authorization": f"Bearer {token}", **key("k1")}
            )
        )

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {reply.json["id"] for reply in replies if reply.status_code == 201}
    refused = {reply.json["code"] for reply in replies if reply.status_code != 201}
    assert len(replies) == 8
    assert len(made) == 1
    assert refused <= {"idempotency_in_flight"}


@pytest.fixture
def unsure(app):
    """A write route whose first call may have been committed or not."""
    routes, calls = Routes("unsure", "A test's own"), []

    @routes.route("/unsure", "POST")
    @require_scope("customers:write")
    @idempotent
    def write() -> Reply:
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable()
        return Reply({"call": len(calls)})

    app.register_blueprint(routes)
    return calls


def test_a_key_whose_end_is_unknown_is_held_for_a_minute(
    app, clock, unsure, make_client, token_for
):
    token = token_for(make_client("website", SCOPES))

    def send():
        headers = {"Authorization": f"Bearer {token}", **key("k1")}
        return app.test_client().post("/unsure", json={}, headers=headers)

    assert send().status_code == 503
    held = send()
    assert (held.status_code, held.json["code"]) == (409, "idempotency_in_flight")
    clock.advance(timedelta(seconds=61))
    assert send().json == {"call": 2}
    assert send().json == {"call": 2}
    assert len(unsure) == 2
