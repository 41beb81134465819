"""A request in the demo ends: its recipients are told by webhook, and confirm."""

import json
import signal

import pytest

from consent_service.cli.sample_recipient import is_genuine
from consent_service.webhooks.envelope import headers_of, new_secret
from tests.cli.test_demo import demo, post, token_of  # noqa: F401  # a fixture among them
from tests.support.processes import free_port, get_json, within


@pytest.mark.long
def test_an_erasure_ends_done_with_a_certificate(demo):  # noqa: F811  # the fixture
    port = free_port()
    started = demo(port, "--json")
    told = json.loads(started.main.stdout.readline())
    token = token_of(port, told["clients"]["admin"])["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    headers = bearer | {"Content-Type": "application/json"}
    asked = json.dumps({"customer_id": told["customers"][0]["id"], "kind": "erasure"})
    status, request = post(port, "/v1/privacy-requests", asked, headers)
    assert status == 202, request
    path = f"/v1/privacy-requests/{request['id']}"
    approval = json.dumps({"identity": "document"})
    within(20, lambda: post(port, f"{path}/approve", approval, headers)[0] == 200)
    within(30, lambda: get_json(port, path, bearer)["recipients"])
    within(120, lambda: get_json(port, path, bearer)["state"] == "done")
    found = {r["recipient"]: r["outcome"] for r in get_json(port, path, bearer)["recipients"]}
    assert "email_service" in found
    assert set(found.values()) == {"nothing_held"}
    assert get_json(port, f"{path}/certificate", bearer, as_text=True).count(".") == 2
    assert started.end(signal.SIGINT)[0] == 0
    assert not started.processes()


@pytest.mark.parametrize(
    ("change", "seconds", "genuine"),
    [({}, 0, True), ({}, 299, True), ({}, 301, False), ({"webhook-id": "chg_other"}, 0, False),
     ({"webhook-signature": "v1,AAAA"}, 0, False), ({"webhook-timestamp": "now"}, 0, False)],
)  # fmt: skip
def test_the_recipient_of_the_demo_believes_the_service_alone(change, seconds, genuine):
    secret, body = new_secret(), b'{"data":{}}'
    headers = headers_of("chg_1", 1_000, body, [new_secret(), secret]) | change
    assert is_genuine(headers, body, secret, 1_000 + seconds) is genuine
    assert not is_genuine(headers, body + b" ", secret, 1_000)
    assert not is_genuine({}, body, secret, 1_000)
