"""A refresh token is good once; used again, it ends all that came of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import grant_service, personal_data
from consent_service.oauth import service as oauth
from consent_service.oauth.grant_model import GRANT_LIFETIME
from consent_service.storage.unit_of_work import unit_of_work
from tests.support.oauth import LoyaltyApp, add_customer

LATER = timedelta(seconds=10)


@pytest.fixture
def loyalty(app, clock):
    made = LoyaltyApp(app, clock)
    made.signed_in = add_customer(app, clock)
    return made


def refused(reply, error="invalid_grant"):
    return (reply.status_code, reply.json.get("error")) == (400, error)


def test_a_refresh_token_gives_new_tokens_and_is_replaced(loyalty, contract):
    first = loyalty.tokens()
    reply = loyalty.refresh(first["refresh_token"])
    contract.check(reply)
    assert reply.status_code == 200
    assert reply.json["refresh_token"] != first["refresh_token"]
    assert reply.json["access_token"] != first["access_token"]
    assert reply.json["scope"] == first["scope"]
    assert loyalty.sees(reply.json["access_token"]) == 200


def test_a_replay_ends_the_family_and_no_other(loyalty, clock):
    stolen, other = loyalty.tokens(), loyalty.tokens()
    second = loyalty.refresh(stolen["refresh_token"]).json
    third = loyalty.refresh(second["refresh_token"]).json
    clock.advance(LATER)
    assert refused(loyalty.refresh(stolen["refresh_token"]))
    assert refused(loyalty.refresh(third["refresh_token"]))
    assert loyalty.sees(third["access_token"]) == 401
    assert loyalty.sees(other["access_token"]) == 200
    assert loyalty.refresh(other["refresh_token"]).status_code == 200


def test_a_lost_answer_can_be_asked_for_once_more(loyalty, clock):
    first = loyalty.tokens()
    lost = loyalty.refresh(first["refresh_token"]).json
    clock.advance(LATER - timedelta(microseconds=1))
    sibling = loyalty.refresh(first["refresh_token"])
    assert sibling.status_code == 200
    assert loyalty.sees(sibling.json["access_token"]) == 200
    assert loyalty.sees(lost["access_token"]) == 401
    assert refused(loyalty.refresh(first["refresh_token"]))
    assert loyalty.refresh(sibling.json["refresh_token"]).status_code == 200


def test_after_ten_seconds_it_is_a_replay(loyalty, clock):
    first = loyalty.tokens()
    second = loyalty.refresh(first["refresh_token"]).json
    clock.advance(LATER)
    assert refused(loyalty.refresh(first["refresh_token"]))
    assert loyalty.sees(second["access_token"]) == 401


def test_an_answer_that_was_used_was_not_lost(loyalty):
    first = loyalty.tokens()
    second = loyalty.refresh(first["refresh_token"]).json
    third = loyalty.refresh(second["refresh_token"]).json
    assert refused(loyalty.refresh(first["refresh_token"]))
    assert loyalty.sees(third["access_token"]) == 401
    assert refused(loyalty.refresh(third["refresh_token"]))


def test_the_answer_that_was_taken_back_is_not_given_again(loyalty):
    first = loyalty.tokens()
    lost = loyalty.refresh(first["refresh_token"]).json
    sibling = loyalty.refresh(first["refresh_token"]).json
    assert refused(loyalty.refresh(lost["refresh_token"]))
    assert loyalty.sees(sibling["access_token"]) == 200


def test_the_answer_that_was_taken_back_ends_the_family_when_it_turns_up(loyalty, clock):
    first = loyalty.tokens()
    lost = loyalty.refresh(first["refresh_token"]).json
    sibling = loyalty.refresh(first["refresh_token"]).json
    clock.advance(LATER)
    assert refused(loyalty.refresh(lost["refresh_token"]))
    assert loyalty.sees(sibling["access_token"]) == 401


def test_a_family_ends_at_a_fixed_time_however_often_it_is_refreshed(loyalty, clock):
    token = loyalty.tokens()["refresh_token"]
    clock.advance(GRANT_LIFETIME - timedelta(minutes=1))
    reply = loyalty.refresh(token)
    assert reply.json["expires_in"] == 60
    token = reply.json["refresh_token"]
    clock.advance(timedelta(minutes=1))
    assert loyalty.sees(reply.json["access_token"]) == 401
    assert refused(loyalty.refresh(token))


def test_an_old_family_is_not_made_longer_by_a_new_yes(loyalty, clock):
    old = loyalty.tokens()["refresh_token"]
    clock.advance(GRANT_LIFETIME - timedelta(days=1))
    loyalty.tokens()
    clock.advance(timedelta(days=1))
    assert refused(loyalty.refresh(old))


def test_less_can_be_asked_for_and_never_more(loyalty):
    first = loyalty.tokens()
    less = loyalty.refresh(first["refresh_token"], scope="consents:read").json
    assert less["scope"] == "consents:read"
    assert refused(loyalty.refresh(less["refresh_token"], scope="consents:write"), "invalid_scope")
    assert refused(loyalty.refresh(less["refresh_token"], scope="no:scope"), "invalid_scope")
    assert loyalty.refresh(less["refresh_token"]).json["scope"] == first["scope"]


def test_what_the_client_lost_meanwhile_is_not_given_again(app, clock, loyalty):
    token = loyalty.tokens()["refresh_token"]
    with app.app_context():
        oauth.change_access("loyalty", frozenset({"consents:read"}), (), SYSTEM, clock())
    assert loyalty.refresh(token).json["scope"] == "consents:read"


def test_another_client_cannot_use_it_nor_harm_it(app, clock, loyalty):
    token = loyalty.tokens()["refresh_token"]
    other = LoyaltyApp(app, clock, name="other")
    assert refused(other.refresh(token))
    second = loyalty.refresh(token)
    assert second.status_code == 200
    clock.advance(LATER)
    assert refused(other.refresh(token))
    assert loyalty.refresh(second.json["refresh_token"]).status_code == 200


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_open(loyalty):
    tokens = loyalty.tokens()
    assert refused(loyalty.refresh(tokens["access_token"]))
    assert loyalty.sees(tokens["refresh_token"]) == 401


@pytest.mark.parametrize("end", ["disable", "delete", "customer", "erase"])
def test_what_ended_does_not_refresh(app, clock, loyalty, end):
    token = loyalty.tokens()["refresh_token"]
    with app.app_context(), unit_of_work() as tx:
        if end == "disable":
            oauth.disable_client("loyalty", SYSTEM, clock())
        elif end == "delete":
            oauth.delete_client("loyalty", SYSTEM, clock())
        elif end == "customer":
            grant_service.end_grant(loyalty.signed_in, "loyalty", clock())
        else:
            personal_data.erase(tx, [loyalty.signed_in])
    with app.app_context():
        assert grant_service.refresh(token, "loyalty", frozenset(), clock()) is None


@pytest.mark.parametrize("again", range(3))
def test_fifty_at_once_leave_one_token_set(loyalty, again):
    """One wins. One that came after it may take its place, as for a lost answer; never both."""
    token, together = loyalty.tokens()["refresh_token"], Barrier(50)

    def refresh(_):
        together.wait()
        return loyalty.refresh(token)

    with ThreadPoolExecutor(50) as threads:
        replies = list(threads.map(refresh, range(50)))
    given = [reply.json for reply in replies if reply.status_code == 200]
    assert 1 <= len(given) <= 2
    assert all(refused(reply) for reply in replies if reply.status_code != 200)
    live = [tokens for tokens in given if loyalty.sees(tokens["access_token"]) == 200]
    assert len(live) == 1
    assert loyalty.refresh(live[0]["refresh_token"]).status_code == 200
