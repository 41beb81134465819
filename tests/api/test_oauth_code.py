"""A code is redeemed once, in time, by whom it was given to, with its verifier."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import grant_service
from consent_service.oauth import service as oauth
from consent_service.oauth.model import ClientChanges
from consent_service.storage.db import Base
from consent_service.storage.unit_of_work import reading
from tests.support.oauth import REDIRECT, VERIFIER, LoyaltyApp, add_customer, challenge_of


@pytest.fixture
def loyalty(app, clock):
    made = LoyaltyApp(app, clock)
    made.signed_in = add_customer(app, clock)
    return made


def refused(reply, error="invalid_grant"):
    return (reply.status_code, reply.json.get("error")) == (400, error)


def test_a_code_gives_tokens_for_the_customer(loyalty, contract):
    reply = loyalty.redeem(loyalty.code())
    contract.check(reply)
    assert reply.status_code == 200
    assert reply.json["scope"] == "consents:read customers:read"
    assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 600)
    assert reply.headers["Cache-Control"] == "no-store"
    assert loyalty.sees(reply.json["access_token"]) == 200


def test_a_code_does_not_open(loyalty):
    assert loyalty.sees(loyalty.code()) == 401


def test_a_smaller_scope_is_a_smaller_token(loyalty):
    assert loyalty.tokens(scope="consents:read")["scope"] == "consents:read"
    assert loyalty.sees(loyalty.tokens(scope="consents:read")["access_token"]) == 403


def test_a_code_used_twice_ends_the_tokens_it_made(loyalty):
    code = loyalty.code()
    tokens = loyalty.redeem(code).json
    assert loyalty.sees(tokens["access_token"]) == 200
    assert refused(loyalty.redeem(code))
    assert loyalty.sees(tokens["access_token"]) == 401
    assert refused(loyalty.refresh(tokens["refresh_token"]))


def test_a_code_used_again_after_a_refresh_ends_the_refreshed_tokens_too(loyalty, clock):
    code = loyalty.code()
    first = loyalty.redeem(code).json
    clock.advance(timedelta(minutes=5))
    second = loyalty.refresh(first["refresh_token"]).json
    assert refused(loyalty.redeem(code))
    assert loyalty.sees(second["access_token"]) == 401
    assert refused(loyalty.refresh(second["refresh_token"]))


def test_a_code_lives_a_minute(loyalty, clock):
    code, late = loyalty.code(), loyalty.code()
    clock.advance(timedelta(seconds=60) - timedelta(microseconds=1))
    assert loyalty.redeem(code).status_code == 200
    clock.advance(timedelta(microseconds=1))
    assert refused(loyalty.redeem(late))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"code_verifier": VERIFIER[:-1] + "~"}, "invalid_grant"),
        ({"code_verifier": challenge_of(VERIFIER)}, "invalid_grant"),
        ({"code_verifier": "é" * 43}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "/2"}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_grant"),
        ({"code": "x" * 43}, "invalid_grant"),
    ],
)
def test_a_code_without_what_belongs_to_it_is_refused(loyalty, contract, changes, error):
    code = loyalty.code()
    reply = loyalty.redeem(**{"code": code, **changes})
    contract.check(reply)
    assert refused(reply, error)
    assert loyalty.redeem(code).status_code == 200


def test_another_client_cannot_redeem_a_code_nor_harm_it(app, clock, loyalty):
    other = LoyaltyApp(app, clock, name="other")
    other.signed_in = loyalty.signed_in
    code = loyalty.code()
    assert refused(other.redeem(code))
    tokens = loyalty.redeem(code).json
    assert refused(other.redeem(code))
    assert loyalty.sees(tokens["access_token"]) == 200


@pytest.mark.parametrize("auth", [("loyalty", "wrong"), ("nobody", "x"), ("loyalty", "")])
def test_only_an_authenticated_client_redeems(loyalty, auth):
    form = {
        "grant_type": "authorization_code",
        "code": loyalty.code(),
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    reply = loyalty.ask(form, auth=auth)
    assert (reply.status_code, reply.json["error"]) == (401, "invalid_client")
    reply = loyalty.app.test_client().post("/oauth/token", data={**form, "client_id": "loyalty"})
    assert reply.status_code == 401


def test_an_app_gets_no_token_for_itself_and_a_service_none_for_a_customer(loyalty, make_client):
    service = make_client("website", ["customers:read"])
    assert refused(loyalty.ask({"grant_type": "client_credentials"}), "unauthorized_client")
    for form in (
        {"grant_type": "authorization_code", "code": "x", "code_verifier": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ):
        reply = loyalty.ask(form, auth=(service.client_id, service.secret))
        assert refused(reply, "unauthorized_client")


@pytest.mark.parametrize("lost", ["scope", "client"])
def test_what_an_app_lost_while_its_page_was_open_cannot_be_allowed(app, clock, loyalty, lost):
    wanted, challenge = frozenset({"customers:read"}), challenge_of(VERIFIER)
    with app.app_context():
        if lost == "scope":
            oauth.change_access("loyalty", frozenset({"consents:read"}), (), SYSTEM, clock())
        else:
            oauth.disable_client("loyalty", SYSTEM, clock())
        with pytest.raises(NotFound):
            grant_service.allow(
                "loyalty", loyalty.signed_in, REDIRECT, wanted, challenge, lambda _: None, clock()
            )


def test_what_the_client_lost_meanwhile_is_not_given(app, clock, loyalty):
    code = loyalty.code()
    with app.app_context():
        oauth.change_access("loyalty", frozenset({"consents:read"}), (), SYSTEM, clock())
    assert loyalty.redeem(code).json["scope"] == "consents:read"


def test_what_the_customer_ended_meanwhile_is_not_given(app, clock, loyalty):
    code = loyalty.code()
    with app.app_context():
        grant_service.end_grant(loyalty.signed_in, "loyalty", clock())
    assert refused(loyalty.redeem(code))


@pytest.mark.parametrize("again", range(3))
def test_fifty_at_once_get_one_token_set(loyalty, again):
    code, together = loyalty.code(), Barrier(50)

    def redeem(_):
        together.wait()
        return loyalty.redeem(code)

    with ThreadPoolExecutor(50) as threads:
        replies = list(threads.map(redeem, range(50)))
    given = [reply.json for reply in replies if reply.status_code == 200]
    assert len(given) == 1
    assert all(refused(reply) for reply in replies if reply.status_code != 200)


def test_of_requests_that_race_the_losers_do_no_harm(app, clock, loyalty):
    """Each of the 50 found the code unused before any had redeemed it."""
    code, together = loyalty.code(), Barrier(8)

    def redeem(_):
        with app.app_context():
            together.wait()
            return grant_service.redeem_code(code, "loyalty", REDIRECT, VERIFIER, clock())

    with ThreadPoolExecutor(8) as threads:
        made = [tokens for tokens in threads.map(redeem, range(8)) if tokens is not None]
    assert len(made) == 1


def test_neither_code_nor_token_is_kept(app, loyalty):
    code = loyalty.code()
    tokens = loyalty.redeem(code).json
    with app.app_context(), reading() as tx:
        kept = repr(
            [
                tuple(row)
                for table in Base.metadata.sorted_tables
                for row in tx.execute(table.select())
            ]
        )
    assert customer_id_text(loyalty.signed_in) not in tokens.values()
    for secret in (code, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_a_code_is_not_redeemed_for_an_address_that_was_taken_away(loyalty, clock):
    code = loyalty.code()
    with loyalty.app.app_context():
        changes = ClientChanges(redirect_uris=("https://app.example.org/other",))
        oauth.change_client("loyalty", changes, SYSTEM, clock())
    assert refused(loyalty.redeem(code))
