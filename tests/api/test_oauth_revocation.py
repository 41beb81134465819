"""Tokens die at the next request: by the client, by the customer, by whoever manages clients.
What a client may learn of a token."""

import time
from datetime import timedelta

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import grant_service, pages, personal_data
from consent_service.oauth import service as oauth
from consent_service.oauth.model import ClientChanges
from consent_service.storage.direct import Door
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support.oauth import LoyaltyApp, add_customer

PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")


@pytest.fixture
def loyalty(app, clock):
    made = LoyaltyApp(app, clock)
    made.signed_in = add_customer(app, clock)
    return made


@pytest.fixture
def other(app, clock, loyalty):
    asked = app.extensions[pages.SIGNED_IN]
    made = LoyaltyApp(app, clock, name="other")
    app.extensions[pages.SIGNED_IN] = asked
    return made


@pytest.fixture
def revoke(loyalty, contract):
    def send(token, asker=loyalty, **more):
        reply = asker.ask({"token": token, **more}, path="/oauth/revoke")
        contract.check(reply)
        return reply

    return send


@pytest.fixture
def inspect(loyalty, contract):
    def send(token, asker=loyalty, auth=None, **more):
        reply = asker.ask({"token": token, **more}, path="/oauth/introspect", auth=auth)
        contract.check(reply)
        assert reply.status_code == 200
        return reply.json

    return send


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something"])
def test_a_revoked_access_token_is_dead_at_the_next_request(loyalty, revoke, hint):
    tokens = loyalty.tokens()
    assert loyalty.sees(tokens["access_token"]) == 200
    assert revoke(tokens["access_token"], token_type_hint=hint).status_code == 200
    assert loyalty.sees(tokens["access_token"]) == 401


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token"])
def test_a_revoked_refresh_token_takes_its_family_along(loyalty, revoke, hint):
    first, apart = loyalty.tokens(), loyalty.tokens()
    second = loyalty.refresh(first["refresh_token"]).json
    assert revoke(second["refresh_token"], token_type_hint=hint).status_code == 200
    for tokens in (first, second):
        assert loyalty.sees(tokens["access_token"]) == 401
    assert loyalty.refresh(second["refresh_token"]).status_code == 400
    assert loyalty.sees(apart["access_token"]) == 200


def test_an_unknown_token_is_revoked_already(revoke):
    assert revoke("x" * 43).status_code == 200
    assert revoke("x" * 43).json == {}


def test_anothers_token_is_not_revoked(loyalty, other, revoke):
    tokens = loyalty.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert revoke(token, other).status_code == 400
    assert loyalty.sees(tokens["access_token"]) == 200
    assert loyalty.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("auth", [("loyalty", "wrong"), ("nobody", "wrong"), None])
def test_each_endpoint_asks_who_the_client_is(client, contract, loyalty, path, auth):
    form = {"token": "x" * 43, "grant_type": "refresh_token", "refresh_token": "x"}
    reply = client.post(path, data={**form, "client_id": "loyalty"}, auth=auth)
    contract.check(reply)
    assert (reply.status_code, reply.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("path", PATHS[1:])
def test_no_token_is_no_request(loyalty, contract, path):
    for form in ({}, {"token": ""}, {"token": ["x", "x"]}):
        reply = loyalty.ask(form, path=path)
        contract.check(reply)
        assert (reply.status_code, reply.json["error"]) == (400, "invalid_request")


def test_a_client_learns_about_its_own_tokens(loyalty, inspect, client, clock):
    tokens = loyalty.tokens()
    issuer = client.get("/.well-known/oauth-authorization-server").json["issuer"]
    assert inspect(tokens["access_token"]) == {
        "active": True,
        "client_id": "loyalty",
        "sub": customer_id_text(loyalty.signed_in),
        "scope": "consents:read customers:read",
        "token_type": "Bearer",
        "iss": issuer,
        "aud": issuer,
        "iat": int(clock().timestamp()),
        "exp": int((clock() + timedelta(minutes=10)).timestamp()),
    }
    refresh = inspect(tokens["refresh_token"])
    assert refresh["active"]
    assert "token_type" not in refresh
    loyalty.refresh(tokens["refresh_token"])
    assert inspect(tokens["refresh_token"]) == {"active": False}


def test_what_is_not_live_or_anothers_or_unknown_looks_alike(
    loyalty, other, inspect, revoke, clock
):
    mine, dead = loyalty.tokens(), loyalty.tokens()
    revoke(dead["access_token"])
    for token in (mine["access_token"], mine["refresh_token"]):
        assert inspect(token, other) == {"active": False}
    assert inspect(dead["access_token"]) == {"active": False}
    assert inspect("x" * 43) == {"active": False}
    clock.advance(timedelta(minutes=10))
    assert inspect(mine["access_token"]) == {"active": False}


def test_who_manages_clients_learns_about_any_token(loyalty, inspect, make_client):
    admin = make_client("admin", ["clients:manage"])
    tokens = loyalty.tokens()
    told = inspect(tokens["access_token"], auth=(admin.client_id, admin.secret))
    assert told["client_id"] == "loyalty"


def test_people_and_clients_share_no_name(loyalty, inspect, make_client, token_for):
    named_like_a_person = make_client("cus_" + "0" * 26, ["catalogue:read"])
    told = inspect(
        token_for(named_like_a_person),
        auth=(named_like_a_person.client_id, named_like_a_person.secret),
    )
    assert told["sub"] == "client:cus_" + "0" * 26
    assert inspect(loyalty.tokens()["access_token"])["sub"].startswith("cus_")


@pytest.mark.parametrize("end", ["disable", "delete", "scopes", "customer", "erase"])
def test_what_ends_a_right_ends_its_tokens_at_the_next_request(app, clock, loyalty, end):
    tokens = loyalty.tokens()
    assert loyalty.sees(tokens["access_token"]) == 200
    with app.app_context(), unit_of_work() as tx:
        if end == "disable":
            oauth.disable_client("loyalty", SYSTEM, clock())
        elif end == "delete":
            oauth.delete_client("loyalty", SYSTEM, clock())
        elif end == "scopes":
            oauth.change_access("loyalty", frozenset({"consents:read"}), (), SYSTEM, clock())
        elif end == "customer":
            grant_service.end_grant(loyalty.signed_in, "loyalty", clock())
        else:
            personal_data.erase(tx, [loyalty.signed_in])
    assert loyalty.sees(tokens["access_token"]) == 401


def test_what_ends_for_one_app_goes_on_for_another(app, clock, loyalty, other):
    mine, others = loyalty.tokens(), other.tokens()
    with app.app_context():
        grant_service.end_grant(loyalty.signed_in, "loyalty", clock())
    assert loyalty.sees(mine["access_token"]) == 401
    assert loyalty.sees(others["access_token"]) == 200
    assert other.refresh(others["refresh_token"]).status_code == 200


def test_a_code_of_a_disabled_app_is_dead_when_it_is_enabled_again(app, clock, loyalty):
    code = loyalty.code()
    with app.app_context():
        oauth.disable_client("loyalty", SYSTEM, clock())
        oauth.change_client("loyalty", ClientChanges(disabled=False), SYSTEM, clock())
    assert loyalty.redeem(code).status_code == 400
    assert loyalty.sees(loyalty.tokens()["access_token"]) == 200


def test_checking_a_token_is_one_indexed_read(app, loyalty, clock, monkeypatch):
    token, seen, read = loyalty.tokens()["access_token"], [], Door.rows

    def note(door, statement, **values):
        seen.append(statement.compiled(door.dialect).text)
        return read(door, statement, **values)

    monkeypatch.setattr(Door, "rows", note)
    with app.app_context():
        assert oauth.find_caller(token, clock()) is not None
        (statement,) = seen
        with reading() as tx:
            plan = str(planned(tx, statement))
    assert "index" in plan.lower()
    assert "pk_access_tokens" in plan or "autoindex_access_tokens" in plan


def planned(tx, statement):
    if tx.dialect.name == "sqlite":
        return tx.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, (b"", "")).all()
    tx.exec_driver_sql("SET enable_seqscan = off")
    tx.exec_driver_sql("PREPARE probe AS " + statement)
    return tx.exec_driver_sql("EXPLAIN EXECUTE probe('', now())").all()


def test_issuing_a_token_costs_less_than_ten_milliseconds_of_processor(app, make_client, clock):
    made = make_client("website", ["catalogue:read"])
    client, many = app.test_client(), 20
    form, auth = {"grant_type": "client_credentials"}, (made.client_id, made.secret)
    client.post("/oauth/token", data=form, auth=auth)
    before = time.process_time()
    for _ in range(many):
        assert client.post("/oauth/token", data=form, auth=auth).status_code == 200
    assert (time.process_time() - before) / many < 0.010
