"""`consent requests`: from what came in to its end, at a terminal."""

import json

import pytest

from consent_service.cli.context import running_app
from consent_service.config import load_settings
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.kernel.actors import SYSTEM
from consent_service.privacy_requests import intake, jobs
from consent_service.privacy_requests.model import RequestKind, request_id_text
from consent_service.privacy_requests.sealing import Asked
from consent_service.web.runtime import keys, now
from tests.conftest import SAMPLE

NOBODY = "req_01m80ge7tefhbsz47m5mr89kwr"


@pytest.fixture
def run(consent, home):
    def act(*words, exit_code=0):
        result = consent("requests", *words, "--data-dir", home)
        assert result.exit_code == exit_code, result.output
        return result.output

    return act


@pytest.fixture
def ask(consent, home):
    """`ask(kind)`: the id of a request of a customer's, looked up."""
    assert consent("catalogue", "load", SAMPLE, "--data-dir", home).exit_code == 0

    def make(kind):
        with running_app(load_settings(data_dir=home)):
            address = identifier(IdentifierType.EMAIL, "ann@example.org")
            who = customers.find_by_identifier(address, keys())
            if who is None:
                new = NewCustomer((address,), {}, "DE")
                who = customers.create_customer(new, now(), keys())
            asked = Asked(who, SYSTEM, "A note.")
            made = intake.submit(asked, RequestKind(kind), None, now(), keys())
            jobs.look_up(now())
        return request_id_text(made.id)

    return make


def test_requests_are_listed_and_decided(run, ask):
    assert run("list") == "There are none.\n"
    one, two = ask("rectification"), ask("erasure")
    assert [line.split()[:3] for line in run("list").splitlines()] == [
        [one, "rectification", "received"],
        [two, "erasure", "received"],
    ]
    assert "is running" not in run("approve", one, exit_code=1)
    assert f"{one} is running" in run("approve", one, "--identity", "document")
    assert f"{one} is done" in run("done", one)
    assert f"{two} is confirmed" in run("confirm", two, "--identity", "call_back")
    assert f"{two} is extended" in run("extend", two, "--reason", "Many at once.")
    run("extend", two, "--reason", "More.", exit_code=1)
    run("hold", two, "--reason", "A claim.")
    assert run("list", "--state", "extended").rstrip().endswith("held")
    run("release", two)
    assert f"{two} is approved" in run("approve", two)
    shown = json.loads(run("show", two))
    assert (shown["note"], shown["waits_for"], shown["restricts"]) == ("A note.", None, True)
    assert shown["steps"][-1]["actor"].startswith("staff:")
    assert f"{two} is cancelled" in run("cancel", two)
    third = ask("access")
    assert f"{third} is rejected" in run("reject", third, "--reason", "Nothing here.")
    customer = shown["customer_id"]
    listed = run("list", "--json", "--customer", customer, "--kind", "access")
    assert [json.loads(line)["state"] for line in listed.splitlines()] == ["rejected"]
    assert run("overdue") == "There are none.\n"


def test_a_restriction_is_lifted_and_left(run, ask):
    one = ask("restriction")
    run("lift", one, "--reason", "x", exit_code=1)
    run("approve", one, "--identity", "document")
    run("lift", one, exit_code=2)
    assert f"{one} restricts until 20" in run("lift", one, "--reason", "The claim is settled.")
    shown = json.loads(run("show", one))
    assert shown["lift_at"] is not None
    assert shown["steps"][-1]["actor"].startswith("staff:")
    assert f"{one} goes on to restrict" in run("cancel-lift", one)
    assert json.loads(run("show", one))["lift_at"] is None
    run("cancel-lift", one, exit_code=1)


def test_what_is_wrong_is_said_in_a_line(run, home):
    assert "There is nothing here under that id." in run("show", NOBODY, exit_code=1)
    assert "There is nothing here" in run("approve", "x", exit_code=1)
    run("reject", NOBODY, exit_code=2)  # without a reason
    run("confirm", NOBODY, "--identity", "link", exit_code=2)
