"""Budgets beside those of `test_throttling`: staff by address, writes, opt-outs."""

import pytest

from consent_service.accounts import limits
from consent_service.kernel.errors import TooMany
from consent_service.web import throttling
from consent_service.web.throttling import ClientBudget


@pytest.fixture
def settings(settings):
    """As everywhere, with small budgets."""
    return settings.model_copy(update={"client_requests_per_minute": 4})


def test_staff_tries_are_throttled_by_address(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        for n in range(60):
            limits.admit_staff_try(f"name{n}")
        with pytest.raises(TooMany):
            limits.admit_staff_try("name60")
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.2"}):
        limits.admit_staff_try("name60")


def test_an_ipv4_address_written_as_ipv6_is_the_same_caller(app):
    for address in ("192.0.2.1", "::ffff:192.0.2.1"):
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            assert throttling.caller_address() == "192.0.2.1"


def test_an_address_that_the_caller_names_is_not_believed(app):
    headers = {"X-Forwarded-For": "198.51.100.9", "X-Real-IP": "198.51.100.9"}
    around = {"REMOTE_ADDR": "192.0.2.1"}
    with app.test_request_context(headers=headers, environ_base=around):
        assert throttling.caller_address() == "192.0.2.1"


def test_writes_are_throttled_apart_from_reads(api, make_client, token_for, sample_catalogue):
    website = api(token_for(make_client("website", ["customers:write", "catalogue:read"])))
    assert [website.get("/v1/catalogue").status_code for _ in range(5)] == [200] * 4 + [429]
    statuses = [website.post("/v1/customers", {}).status_code for _ in range(6)]
    assert statuses == [201] * 4 + [429] * 2


def test_opt_outs_have_ten_times_the_budget_and_no_more(app):
    with app.app_context():
        for _ in range(40):
            throttling.admit_client("website", ClientBudget.WITHDRAWALS)
        with pytest.raises(TooMany):
            throttling.admit_client("website", ClientBudget.WITHDRAWALS)
