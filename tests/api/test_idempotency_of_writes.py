"""What a key promises of each write of the main job. Keys as such are in `test_idempotency.py`."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.support.problems import fault


def key(text="k1"):
    return {"Idempotency-Key": text}


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


@pytest.fixture
def writes(shop, ann):
    """Each write once: method, path, body, more headers, another body that could be meant."""
    mark = shop.suppress("marked@example.org")
    other, third, fourth = (shop.customer() for _ in range(3))
    event = shop.event(ann, "given")
    use = {
        "decision_id": shop.check(ann)["decision_id"], "data_categories": ["name"],
        "recipient": "mailer", "touchpoint": "web", "occurred_at": shop.at(),
    }  # fmt: skip
    signal = {"customer_id": ann, "signal": "gpc", "captured_at": shop.at(), "touchpoint": "web"}
    return {
        "customer": ("POST", "/v1/customers", {"language": "en"}, {}, {"language": "ru"}),
        "event": ("POST", "/v1/consents", event, {}, {**event, "language": "ru"}),
        "events": ("POST", "/v1/consents", {"events": [event]}, {}, {"events": [event, event]}),
        "signal": ("POST", "/v1/signals", signal, {}, {**signal, "touchpoint": "store"}),
        "suppression": (
            "POST", "/v1/suppressions",
            {"identifier": {"type": "email", "value": "x@example.org"}, "reason": "complained"}, {},
            {"identifier": {"type": "email", "value": "x@example.org"}, "reason": "erased"},
        ),
        "closing": ("DELETE", f"/v1/suppressions/{mark['id']}", None, {}, None),
        "change": (
            "PATCH", f"/v1/customers/{fourth}", {"language": "ru"}, {"If-Match": '"1"'},
            {"language": "en"},
        ),
        "merge": (
            "POST", f"/v1/customers/{other}/merge", {"duplicate_id": third}, {},
            {"duplicate_id": ann},
        ),
        "use": ("POST", "/v1/disclosures", use, {}, {**use, "touchpoint": "store"}),
    }  # fmt: skip


NAMES = [
    "customer",
    "event",
    "events",
    "signal",
    "suppression",
    "closing",
    "change",
    "merge",
    "use",
]


def test_every_write_repeated_with_its_key_is_done_once(shop, writes):
    assert list(writes) == NAMES
    for name, (method, path, body, more, _) in writes.items():
        headers = {**more, **key(name)}
        first = shop.api.send(method, path, body, headers=headers)
        assert first.status_code in (200, 201), (name, first.json)
        before = shop.counts()
        shop.clock.advance(timedelta(seconds=1))
        again = shop.api.send(method, path, body, headers=headers)
        assert (again.status_code, again.json) == (first.status_code, first.json), name
        assert again.headers.get("ETag") == first.headers.get("ETag")
        assert shop.counts() == before, name


def test_a_key_used_for_another_body_is_422_and_nothing_is_done(shop, writes):
    for name, (method, path, body, more, other) in writes.items():
        headers = {**more, **key(name)}
        shop.api.send(method, path, body, headers=headers)
        before = shop.counts()
        if other is not None:
            reply = shop.api.send(method, path, other, headers=headers)
            assert (reply.status_code, reply.json["code"]) == (422, "idempotency_key_reused"), name
            assert shop.counts() == before


def test_a_key_used_for_another_write_is_422(shop, writes):
    _, path, body, *_ = writes["event"]
    shop.api.post(path, body, headers=key())
    reply = shop.api.post(writes["customer"][1], {}, headers=key())
    assert (reply.status_code, reply.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("bad", "status"),
    [({"notice_version": "9"}, 422), ({"customer_id": "cus_" + "0" * 26}, 404)],
)
def test_a_refused_write_leaves_its_key_free(shop, ann, bad, status):
    assert shop.api.post(
        "/v1/consents", {**shop.event(ann, "given"), **bad}, headers=key()
    ).status_code == status  # fmt: skip
    done = shop.api.post("/v1/consents", shop.event(ann, "given"), headers=key())
    assert done.status_code == 201
    assert len(shop.history(ann)) == 1


def test_a_write_that_failed_in_the_store_may_be_sent_again_after_a_minute(shop, ann):
    body = shop.event(ann, "given")
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    assert shop.api.post("/v1/consents", body, headers=key()).status_code == 503
    shop.change_store("ALTER TABLE elsewhere RENAME TO ledger_entries")
    held = shop.api.post("/v1/consents", body, headers=key())
    assert (held.status_code, held.json["code"]) == (409, "idempotency_in_flight")
    shop.clock.advance(timedelta(seconds=61))
    done = shop.api.post("/v1/consents", body, headers=key())
    assert (done.status_code, done.json["revision"]) == (201, 2)
    assert shop.api.post("/v1/consents", body, headers=key()).json == done.json
    assert len(shop.history(ann)) == 1


@pytest.mark.parametrize("name", ["event", "customer"])
def test_fifty_at_once_with_one_key_have_one_effect(shop, writes, name):
    method, path, body, *_ = writes[name]
    headers = {"Authorization": f"Bearer {shop.token}", **key()}
    before, start = shop.counts(), threading.Barrier(10)

    def send(_):
        start.wait()
        return [
            shop.app.test_client().open(path, method=method, json=body, headers=headers)
            for _ in range(5)
        ]

    with ThreadPoolExecutor(10) as pool:
        replies = [reply for found in pool.map(send, range(10)) for reply in found]
    assert len(replies) == 50
    done = [reply for reply in replies if reply.status_code == 201]
    refused = [reply for reply in replies if reply.status_code != 201]
    assert {repr(reply.json) for reply in done} == {repr(done[0].json)}
    assert {(reply.status_code, reply.json["code"]) for reply in refused} <= {
        (409, "idempotency_in_flight")
    }
    made = {table: count - before[table] for table, count in shop.counts().items()}
    effect = {
        "event": {"consent_events": 1, "consent_records": 1, "ledger_entries": 1},
        "customer": {
            "customers": 1,
            "customer_keys": 2,
            "customer_facts": 1,
            "ledger_entries": 1,
        },
    }[name]
    expected = {**effect, "idempotency_claims": 1, "idempotency_records": 1}
    assert {table: count for table, count in made.items() if count} == expected


def test_kept_answers_are_sealed_and_the_customer_s(shop, ann):
    shop.api.patch(
        f"/v1/customers/{ann}",
        {"profile": {"first_name": "Annabel"}},
        headers={"If-Match": '"1"', **key("a-telling-key")},
    )
    (row,) = shop.rows("idempotency_records")
    (customer,) = shop.rows("customers")
    assert row["customer_id"] == customer["customer_id"]
    stored = repr((row, shop.rows("idempotency_claims")))
    for secret in ("Annabel", "ann@", "a-telling-key", ann):
        assert secret not in stored
    assert row["client_id"] == "shop"


def test_a_kept_answer_moved_to_another_key_does_not_open(shop, ann):
    for number in (1, 2):
        body = shop.event(ann, "refused", captured_at=shop.at(seconds=-number))
        shop.api.post("/v1/consents", {"events": [body]}, headers=key(f"k{number}"))
    one, two = (row["reply"] for row in shop.rows("idempotency_records"))
    assert one != two
    kept = shop.rows("idempotency_records")
    assert len({row["customer_id"] for row in kept}) == 2


def test_a_key_that_is_none_is_422(shop, ann):
    reply = shop.api.post("/v1/consents", shop.event(ann, "given"), headers=key("x" * 256))
    assert fault(reply) == ("", "invalid_idempotency_key")
    assert shop.history(ann) == []
