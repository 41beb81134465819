"""`consent webhooks`, and a worker that sends."""

from pathlib import Path

import pytest

from tests.support import receiver
from tests.support.processes import Command, within

SAMPLE = Path(__file__).parents[2] / "consent_service/catalogue/sample/catalogue.yaml"


@pytest.fixture
def target():
    with receiver.running() as running:
        yield running


@pytest.fixture
def run(consent, home):
    def act(*words, exit_code=0, **environment):
        result = consent(*words, "--data-dir", home, **environment)
        assert result.exit_code == exit_code, result.output
        return result.output

    return act


@pytest.fixture
def worker(home):
    allowed = {"CONSENT_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}
    command = Command("worker", "--data-dir", home, environment=allowed)
    yield command
    command.clear()


def add(run, target, **more):
    words = ("webhooks", "add", target.url, "--client", "shop", "--type", "catalogue.*")
    return run(*words, **more)


def test_a_webhook_from_its_adding_to_its_end(run, target, worker):
    run("clients", "create", "shop", "--scope", "changes:read")
    assert "private" in add(run, target, exit_code=1)
    made = add(run, target, CONSENT_WEBHOOK_PRIVATE_HOSTS="127.0.0.1").split()
    webhook, secret = made[1], made[3]
    assert secret.startswith("whsec_")
    target.says = [410]
    run("catalogue", "load", SAMPLE)
    within(20, lambda: target.got)
    within(20, lambda: "disabled" in run("webhooks", "list"))
    assert target.types == ["catalogue.loaded"]
    assert "410: wants no more" in run("webhooks", "deliveries", webhook, "--state", "given_up")
    run("webhooks", "enable", webhook)
    assert "1 to be sent again" in run("webhooks", "replay", webhook)
    within(20, lambda: "  delivered  " in run("webhooks", "deliveries", webhook))
    assert len(set(target.ids)) == 1
    listed = run("webhooks", "list")
    assert f"{webhook}  shop  {target.url}  catalogue.*  active" in listed
    assert "0 waiting, 1 delivered, 0 given_up" in listed
    again = run("webhooks", "rotate", webhook, "--overlap-hours", "0").split()[1]
    assert again != secret
    run("webhooks", "delete", webhook)
    assert run("webhooks", "list") == "There are none.\n"
    run("webhooks", "delete", webhook, exit_code=1)
    status, said = worker.end()
    assert status == 0
    assert secret not in said
    assert '"event": "webhooks:webhook:disabled"' in said
