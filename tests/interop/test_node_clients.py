"""`oauth4webapi` and `openid-client`, which check every answer against the standards."""

import json
import subprocess

import pytest

EVERY_WAY = [f"client_credentials {way}" for way in ("basic", "post", "EC", "OKP")]
EVERY_STEP = ["authorization_code", "refresh_token", "introspection", "revocation"]


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        ("with_oauth4webapi.mjs", [*EVERY_WAY, *EVERY_STEP]),
        ("with_openid_client.mjs", [*EVERY_WAY, *EVERY_STEP, "reuse"]),
    ],
)
def test_the_client_gets_through_every_step(node_clients, setting, script, steps):
    done = subprocess.run(
        ["node", script, json.dumps(setting)],
        cwd=node_clients,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == steps
