"""Budgets: per account, per address, per client; an opt-out has one of its own."""

import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner

from consent_service.app import create_app
from consent_service.cli.main import main
from consent_service.consents.budget import budget_of
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Invalid, TooMany
from consent_service.kernel.ids import customer_id_text
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading
from consent_service.web import throttling
from consent_service.web.throttling import Budget, ClientBudget
from tests.support.pages import Browser

ANNA = "anna@example.org"
SCOPES = {
    "customers:write",
    "customers:read",
    "consents:write",
    "catalogue:read",
    "decisions:check",
}


@pytest.fixture
def settings(settings):
    """As everywhere, with small budgets."""
    return settings.model_copy(update={"client_requests_per_minute": 4})


@pytest.fixture
def website(make_client, token_for, api, sample_catalogue):
    return api(token_for(make_client("website", SCOPES, ["email_service"])))


def limit(app, clock, budget, subject, tries):
    """How many of so many tries were let through."""
    admitted = 0
    with app.app_context():
        for _ in range(tries):
            try:
                throttling.admit(budget, subject)
            except TooMany:
                continue
            admitted += 1
    return admitted


def ask(browser, email):
    return browser.submit(browser.get("/sign-in"), email=email)


def test_links_are_throttled_by_account_whether_or_not_it_is_known(app, make_customer):
    make_customer(ANNA)
    for email in (ANNA, "nobody@example.org"):
        replies = [ask(Browser(app, address=f"192.0.2.{n}"), email) for n in range(7)]
        assert [reply.status_code for reply in replies] == [303] * 5 + [429] * 2
        assert 1 <= int(replies[-1].headers["Retry-After"]) <= 600
        assert f'value="{email}"' in replies[-1].text
        assert "too often" in replies[-1].text


def test_an_account_written_otherwise_is_the_same(app):
    replies = [ask(Browser(app), email) for email in [ANNA, "ANNA@Example.org"] * 3]
    assert [reply.status_code for reply in replies] == [303] * 5 + [429]


def test_links_are_throttled_by_address(app):
    first = Browser(app)
    statuses = [ask(first, f"a{n}@example.org").status_code for n in range(41)]
    assert statuses == [303] * 40 + [429]
    assert ask(Browser(app, address="192.0.2.77"), "b@example.org").status_code == 303


def test_an_ipv6_network_is_one_caller(app):
    for n in range(40):
        ask(Browser(app, address=f"2001:db8::{n:x}"), f"a{n}@example.org")
    late = "b@example.org"
    assert ask(Browser(app, address="2001:db8::ffff"), late).status_code == 429
    assert ask(Browser(app, address="2001:db8:1::1"), late).status_code == 303


def test_a_budget_comes_back(app, clock):
    for n in range(6):
        last = ask(Browser(app, address=f"192.0.2.{n}"), ANNA)
    clock.advance(timedelta(seconds=int(last.headers["Retry-After"])))
    assert ask(Browser(app), ANNA).status_code == 303


def test_staff_tries_are_throttled_by_account(app):
    replies = []
    for n in range(11):
        browser = Browser(app, address=f"192.0.2.{n}")
        page = browser.get("/staff/sign-in")
        replies.append(browser.submit(page, name="olga", password="x", code="000000"))
    assert [reply.status_code for reply in replies] == [401] * 10 + [429]
    assert "Retry-After" in replies[-1].headers


def test_a_client_is_throttled(website, clock):
    replies = [website.get("/v1/catalogue") for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 4 + [429] * 2
    assert replies[-1].json["code"] == "too_many_requests"
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
    clock.advance(timedelta(minutes=1))


def test_one_client_does_not_take_anothers(website, make_client, token_for, api):
    for _ in range(6):
        website.get("/v1/catalogue")
    other = api(token_for(make_client("other", SCOPES, ["email_service"])))
    assert other.get("/v1/catalogue").status_code == 200


def failing(client, tries, address="198.51.100.7"):
    """The replies to so many requests for a token with a wrong secret."""
    form = {"grant_type": "client_credentials", "client_id": "website", "client_secret": "no"}
    around = {"REMOTE_ADDR": address}
    return [client.post("/oauth/token", data=form, environ_base=around) for _ in range(tries)]


def test_trying_secrets_is_throttled_by_address_and_the_right_one_still_works(
    client, make_client, contract
):
    made = make_client("website", {"customers:read"})
    replies = failing(client, 62)
    assert [reply.status_code for reply in replies] == [401] * 60 + [429] * 2
    assert replies[-1].json["error"] == "temporarily_unavailable"
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 600
    contract.check(replies[-1])
    assert failing(client, 1, "198.51.100.8")[0].status_code == 401
    right = client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made.client_id, made.secret),
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    )
    assert right.status_code == 200


def test_a_client_gets_so_many_tokens_and_can_always_end_them(client, make_client):
    made = make_client("website", {"customers:read"})
    auth = (made.client_id, made.secret)
    form = {"grant_type": "client_credentials"}
    replies = [client.post("/oauth/token", data=form, auth=auth) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 4 + [429] * 2
    for reply in replies[:4]:
        token = {"token": reply.json["access_token"]}
        assert client.post("/oauth/revoke", data=token, auth=auth).status_code == 200


def test_decisions_have_no_quota_unless_one_is_set(app, website, make_customer, clock):
    body = {"customer_id": customer_id_text(make_customer(ANNA)), "purpose": "marketing.newsletter"}

    def check():
        return website.post("/v1/decisions", {**body, "channel": "email"}).status_code

    assert [check() for _ in range(12)] == [200] * 12
    with app.app_context():
        throttling.set_quota("website", ClientBudget.DECISIONS, 2)
    assert [check() for _ in range(4)] == [200, 200, 429, 429]
    with app.app_context():
        throttling.set_quota("website", ClientBudget.DECISIONS, None)
    assert check() == 200


def test_a_quota_counts_in_other_processes_within_seconds(app, settings, website, clock):
    website.get("/v1/catalogue")
    other = create_app(settings, clock)
    with other.app_context():
        throttling.set_quota("website", ClientBudget.READS, 1)
        db.engine.dispose()
    clock.advance(timedelta(seconds=5))
    assert website.get("/v1/catalogue").status_code == 429


def test_an_opt_out_gets_through_when_all_else_is_used_up(website, make_customer, clock):
    customer = customer_id_text(make_customer(ANNA))
    said = {
        "customer_id": customer, "purpose": "marketing.newsletter", "channel": "email",
        "touchpoint": "web", "captured_at": rfc3339(clock()),
    }  # fmt: skip
    requested = {**said, "event": "requested"}
    assert [website.post("/v1/consents", requested).status_code for _ in range(5)][-1] == 429
    for _ in range(6):
        website.get("/v1/catalogue")
    for no in ("withdrawn", "refused", "objected"):
        assert website.post("/v1/consents", {**said, "event": no}).status_code == 201
    many = {"events": [{**said, "event": "withdrawn"}] * 3}
    assert website.post("/v1/consents", many).status_code == 201
    signal = {
        "customer_id": customer, "signal": "gpc", "touchpoint": "web",
        "captured_at": rfc3339(clock()),
    }  # fmt: skip
    assert website.post("/v1/signals", signal).status_code == 201


def test_a_yes_among_noes_is_no_opt_out():
    yes, no = {"event": "given"}, {"event": "withdrawn"}
    assert budget_of({"events": [no, no]}) is ClientBudget.WITHDRAWALS
    assert budget_of({"events": [no, yes]}) is ClientBudget.WRITES
    assert budget_of(yes) is ClientBudget.WRITES


@pytest.mark.parametrize("amount", [1, 7, 49, 50, 51, 100, 130])
def test_no_more_than_the_budget_and_no_less(app, clock, amount):
    budget = Budget("test", amount, timedelta(minutes=1))
    assert limit(app, clock, budget, "somebody", 2 * amount + 1) == amount


def test_a_budget_holds_over_workers_and_threads(app, settings, clock):
    budget = Budget("test", 100, timedelta(minutes=1))
    workers = [app, create_app(settings, clock), create_app(settings, clock)]
    admitted = []

    def work(worker):
        admitted.append(limit(worker, clock, budget, "somebody", 60))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers[1:]:
        with worker.app_context():
            db.engine.dispose()
    assert len(admitted) == 6
    assert 90 <= sum(admitted) <= 100


def test_many_requests_cost_few_writes(app, clock, count_statements):
    budget = Budget("test", 5_000, timedelta(minutes=1))
    with count_statements() as seen:
        assert limit(app, clock, budget, "somebody", 1_000) == 1_000
    assert len([statement for statement in seen if "INSERT" in statement]) == 10


def test_whoever_is_counted_stands_nowhere_in_clear(app):
    ask(Browser(app, address="198.51.100.23"), ANNA)
    with app.app_context(), reading() as tx:
        rows = repr(tx.exec_driver_sql("SELECT * FROM throttle_counters").all())
    assert "198.51.100.23" not in rows
    assert "anna" not in rows


def test_counters_of_the_past_are_removed(app, clock):
    limit(app, clock, Budget("test", 1, timedelta(minutes=1)), "somebody", 3)
    with app.app_context():
        assert throttling.delete_expired(clock()) == 0
        assert throttling.delete_expired(clock.advance(timedelta(minutes=1))) == 1


@pytest.mark.parametrize("per_minute", [0, -1, 10**10])
def test_a_quota_that_cannot_be_is_refused(app, per_minute):
    with app.app_context(), pytest.raises(Invalid):
        throttling.set_quota("website", ClientBudget.READS, per_minute)


def test_the_command_sets_lists_and_clears(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["--data-dir", str(tmp_path), *words])

    for words in (("keys", "init"), ("migrate",)):
        assert run(*words).exit_code == 0
    assert run("clients", "create", "mailer", "--scope", "customers:read").exit_code == 0
    assert run("quotas", "set", "mailer", "decisions", "600").exit_code == 0
    assert run("quotas", "list").stdout.split() == ["mailer", "decisions", "600"]
    assert run("quotas", "clear", "mailer", "decisions").exit_code == 0
    assert run("quotas", "list").stdout == ""
    assert run("quotas", "set", "nobody", "decisions", "600").exit_code == 1
