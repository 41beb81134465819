"""A small check is read before it is known who sends it: nothing of that may be seen."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from consent_service.crypto import keyring as keyrings
from consent_service.crypto.keyring import KeyUse
from tests.support.problems import UNKNOWN, without_request
from tests.support.shop import EVERYTHING

BASE = "/v1/decisions"
LARGE = 5_000


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


def bodies(ann):
    plain = {"customer_id": ann, "purpose": "news"}
    return [
        json.dumps(each).encode()
        for each in (
            plain,
            {"identifier": {"type": "email", "value": "ann@example.org"}, "purpose": "news"},
            {"customer_id": UNKNOWN, "purpose": "news"},
            {**plain, "purpose": "unheard_of"},
            {**plain, "more": 1},
            {**plain, "purpose": "a\x00b"},
            {**plain, "customer_id": 7},
            {**plain, "identifier": {"type": "email", "value": "ann@example.org"}},
            [plain],
        )
    ] + [b'{"a" 1}', b"", b'{"purpose": "news", "purpose": "news"}', b"\xff"]


def post(shop, body, token=None, media_type="application/json"):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return shop.app.test_client().post(BASE, data=body, headers=headers, content_type=media_type)


def test_whoever_is_nobody_learns_nothing_of_a_body(shop, ann):
    shop.say(ann, "given")
    for token in (None, "x" * 40):
        for media_type in ("application/json", "text/plain"):
            replies = [post(shop, body, token, media_type) for body in bodies(ann)]
            assert {reply.status_code for reply in replies} == {401}
            assert len({repr(without_request(reply)) for reply in replies}) == 1
    assert [row for row in shop.rows("ledger_entries") if row["kind"] == "decision"] == []


def test_whoever_may_not_ask_learns_nothing_of_a_body(shop, open_shop, ann):
    token = open_shop("stranger", EVERYTHING - {"decisions:check"}).token
    replies = [post(shop, body, token) for body in bodies(ann)]
    assert {reply.status_code for reply in replies} == {403}
    assert len({repr(without_request(reply)) for reply in replies}) == 1


def test_a_large_body_is_answered_like_a_small_one(shop, ann):
    shop.say(ann, "given")
    for body in bodies(ann):
        small, large = (post(shop, text, shop.token) for text in (body, body + b" " * LARGE))
        assert small.status_code == large.status_code
        if small.status_code == 200:
            answers = [reply.json for reply in (small, large)]
            assert len({answer.pop("decision_id") for answer in answers}) == 2
            assert answers[0] == answers[1]
        else:
            assert without_request(small) == without_request(large)


def test_what_was_looked_up_is_for_one_request(shop, ann):
    """Also where somebody keeps a context of the app around several."""
    shop.say(ann, "given")
    body = bodies(ann)[0]
    with shop.app.app_context():
        assert post(shop, body, shop.token).json["outcome"] == "permit"
        with ThreadPoolExecutor(1) as pool:
            pool.submit(shop.say, ann, "withdrawn").result()
        assert post(shop, body + b" " * LARGE, shop.token).json["outcome"] == "deny"


def test_a_body_that_ends_too_soon_is_malformed(shop, ann):
    body = bodies(ann)[0]
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Length": str(len(body) + 5)}
    client = shop.app.test_client()
    for sent in (body[:-5], b""):
        reply = client.post(BASE, data=sent, headers=headers, content_type="application/json")
        assert (reply.status_code, reply.json["code"]) == (400, "malformed")


def test_an_address_is_found_under_an_older_key(shop, ann, keyring, monkeypatch):
    shop.say(ann, "given")
    newer = keyring.with_new(KeyUse.INDEX, shop.clock())
    monkeypatch.setattr(keyrings.LiveKeyring, "current", lambda _: newer)
    assert shop.reason("ann@example.org") == "consent_given"
    assert shop.reason("nobody@example.org") == "no_record"
