"""What the OAuth tables hold of a customer is told, forgotten and merged."""

from datetime import timedelta

import pytest

from consent_service.crypto.data_keys import Holder
from consent_service.customers.keys import open_keys
from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import grant_store, personal_data, store
from consent_service.oauth import service as oauth
from consent_service.oauth.model import digest
from consent_service.personal_data import service as everything
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.runtime import keys
from tests.support.oauth import LoyaltyApp, add_customer
from tests.support.tables import all_tables


@pytest.fixture
def loyalty(app, clock):
    made = LoyaltyApp(app, clock)
    made.signed_in = add_customer(app, clock)
    return made


def holder(customer):
    return Holder(customer, open_keys(customer, keys()))


def rows_about(app, customer):
    with app.app_context(), reading() as tx:
        return {
            name
            for name in personal_data.TABLES
            for table in [all_tables()[name]]
            if tx.execute(table.select().where(table.c.customer_id == customer)).first()
        }


def test_what_was_allowed_is_exported_and_no_credential(app, loyalty):
    tokens = loyalty.tokens()
    with app.app_context():
        told = everything.export(loyalty.signed_in, keys())
    (one,) = told["allowed_apps"]
    assert (one["client_id"], one["ended_at"]) == ("loyalty", None)
    assert one["scopes"] == ["consents:read", "customers:read"]
    assert tokens["refresh_token"] not in repr(told)


def test_erasure_leaves_no_row_and_no_live_token(app, loyalty):
    loyalty.code()
    tokens = loyalty.tokens()
    other = loyalty.signed_in
    loyalty.signed_in = add_customer(app, loyalty.clock)
    kept = loyalty.tokens()
    assert rows_about(app, other) == set(personal_data.TABLES)
    with app.app_context(), unit_of_work() as tx:
        personal_data.erase(tx, [other])
    assert rows_about(app, other) == set()
    assert loyalty.sees(tokens["access_token"]) == 401
    assert loyalty.sees(kept["access_token"]) == 200


def test_after_a_merge_both_are_asked_again(app, clock, loyalty):
    absorbed = loyalty.signed_in
    tokens = loyalty.tokens()
    kept = add_customer(app, clock)
    with app.app_context(), unit_of_work() as tx:
        personal_data.absorb(tx, holder(kept), holder(absorbed), clock())
    assert rows_about(app, absorbed) == set()
    with app.app_context(), reading() as tx:
        (grant,) = grant_store.list_grants(tx, kept)
    assert grant.ended_at == clock()
    assert loyalty.sees(tokens["access_token"]) == 401
    assert loyalty.refresh(tokens["refresh_token"]).status_code == 400


def test_a_merge_does_not_touch_what_the_kept_customer_allowed(app, clock, loyalty):
    kept = loyalty.signed_in
    tokens = loyalty.tokens()
    loyalty.signed_in = absorbed = add_customer(app, clock)
    loyalty.tokens()
    with app.app_context(), unit_of_work() as tx:
        personal_data.absorb(tx, holder(kept), holder(absorbed), clock())
    loyalty.signed_in = kept
    assert loyalty.sees(tokens["access_token"]) == 200
    assert loyalty.refresh(tokens["refresh_token"]).status_code == 200


def test_what_is_past_its_time_is_removed_and_what_tells_of_misuse_is_kept(app, clock, loyalty):
    code = loyalty.code()
    tokens = loyalty.redeem(code).json
    clock.advance(timedelta(minutes=30))
    with app.app_context():
        assert oauth.delete_expired_tokens(clock()) == 1  # the access token
    assert loyalty.redeem(code).status_code == 400  # noticed as reuse
    assert loyalty.refresh(tokens["refresh_token"]).status_code == 400
    clock.advance(timedelta(days=91))
    with app.app_context(), reading() as tx:
        oauth.delete_expired_tokens(clock())
        assert grant_store.find_code(tx, digest(code)) is None


def test_a_client_that_the_release_before_wrote_is_a_service_with_a_secret(app, clock, make_client):
    make_client("old", ["catalogue:read"])
    with app.app_context(), unit_of_work() as tx:
        columns = {"kind": None, "redirect_uris": None, "jwks": None, "auth_method": None}
        tx.execute(all_tables()["clients"].update().values(**columns))
        found = store.find_client(tx, "old")
    assert (found.kind, found.auth_method) == ("service", "client_secret")
    with app.app_context():
        oauth.change_access("old", frozenset({"catalogue:read"}), ("x",), SYSTEM, clock())
