"""`consent proofs`: at a terminal an officer is a password and a fresh code too."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from consent_service.catalogue import service as catalogues
from consent_service.cli.context import running_app
from consent_service.cli.main import main
from consent_service.config import load_settings
from consent_service.consents import service as consents
from consent_service.consents.keeping import keep_proofs
from consent_service.consents.model import EventKind, NewEvent
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import NewCustomer
from consent_service.erasures import listed
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import customer_id_text
from consent_service.personal_data import service as personal_data
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys, now
from tests.conftest import SAMPLE
from tests.support.officers import PASSWORD, enrol

STEP = timedelta(seconds=30)


@pytest.fixture
def erased(home):
    """The id of somebody who refused, and was erased."""
    with running_app(load_settings(data_dir=home)):
        text = SAMPLE.read_text(encoding="utf-8")
        catalogues.load_catalogue(text, SYSTEM, now(), lambda *_: 0)
        who = customers.create_customer(NewCustomer((), {}, "DE"), now(), keys())
        purpose = next(
            p for p in catalogues.current().purposes.values() if p.proof_retention_days > 0
        )
        point = next(iter(catalogues.current().touchpoints))
        no = NewEvent(who, purpose.key, EventKind.REFUSED, None, None, None, point, now())
        consents.record_consent(no, SYSTEM, now(), keys())
        with unit_of_work():
            opened = data_keys.open_many([who], keys())
            keep_proofs({who: listed.proof_place(who, keys())}, opened, now(), keys())
            personal_data.erase([who], now())
    return customer_id_text(who)


@pytest.fixture
def officers(home):
    """{name: what makes the codes}; who enrolled two minutes ago."""
    with running_app(load_settings(data_dir=home)):
        return {name: enrol(name, utc_now() - 4 * STEP) for name in ("olga", "otto")}


@pytest.fixture
def act(home, officers):
    """`act("olga", 0, "approve", id)`: what the command says with the code of that step: this one,
    or the next, of which each is good when the clock goes on meanwhile."""

    def run(who, step, *words, password=PASSWORD, exit_code=0):
        code = officers[who].at(utc_now() + step * STEP)
        result = CliRunner().invoke(
            main,
            ["proofs", *words, "--officer", who, "--data-dir", str(home)],
            input=f"{password}\n{code}\n",
        )
        assert result.exit_code == exit_code, result.output
        assert password not in result.output
        return result.stdout, result.stderr

    return run


def test_two_officers_open_a_proof_at_a_terminal(act, erased, consent, home):
    why = ("--basis", "legal_claims", "--reason", "Case 7")
    asked = ("ask", "--customer", erased, *why)
    assert "do not go together" in act("olga", 0, *asked, password="wrong one", exit_code=1)[1]
    said, _ = act("olga", 0, *asked)
    approval = said.split()[0]
    assert "is waiting, to be approved until" in said
    assert "is approved, to be fetched until" in act("otto", 0, "approve", approval)[0]
    opened, _ = act("olga", 1, "fetch", approval)
    assert "opened by olga, approved by otto\nWhy: Case 7 (legal_claims)" in opened
    assert "refused: " in opened
    assert "decided, was fetched" in act("otto", 1, "reject", approval, exit_code=1)[1]
    (line,) = consent("proofs", "list", "--data-dir", home).output.splitlines()
    assert line.split()[:2] == [approval, "fetched"]
    shown = json.loads(consent("proofs", "show", approval, "--data-dir", home).output)
    assert (shown["reason"], shown["decided_by"]) == ("Case 7", "otto")


def test_one_of_two_is_named(home, consent):
    words = ("--basis", "legal_claims", "--reason", "x", "--officer", "olga", "--data-dir", home)
    result = consent("proofs", "ask", *words)
    assert result.exit_code == 1
    assert "Name one of" in result.output
