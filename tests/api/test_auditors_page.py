"""What docs/auditors.md tells auditors to type does what it says, against a real server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.ledger import cosigning, notes, proofs
from consent_service.oauth import service as oauth
from consent_service.web.runtime import keys
from consent_service.witnesses import service
from consent_service.witnesses.model import Kind
from tests.support import log, stores, witness
from tests.support.served import serve

PAGE = Path(__file__).parents[2] / "docs/auditors.md"
TOOLS = ("bash", "curl", "openssl", "jq", "xxd")
TOKEN = """
TOKEN=$(curl -s -u "auditor:$SECRET" -d grant_type=client_credentials "$BASE/oauth/token" \\
  | jq -r .access_token)
"""


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: what is tried here is the auditor's side."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def served(store, keyring, tmp_path):
    """A log of 600 leaves, the first 300 of them co-signed; key files as an auditor has them."""
    key = Ed25519PrivateKey.generate()
    with serve(stores.settings_for(store, keyring)) as running, running.app.app_context():
        made = oauth.create_client(
            "auditor", "Auditor", frozenset({"disclosures:read"}), (), SYSTEM, utc_now()
        )
        running.secret = made.secret
        for count in (299, 300):
            log.append(count, purpose="marketing.newsletter", reason="Größe 文")
            log.seal()
            if log.newest().size == 300:
                kept = proofs.get_checkpoint()
                line = witness.cosign(kept.note.partition("\n\n")[0] + "\n", key).rstrip("\n")
                cosigning.record_cosignature(kept, "w1", witness.cosigner(key), [line])
        (tmp_path / "key").write_text("".join(f"{one}\n" for one in log.verifiers()))
        (tmp_path / "witness-key").write_text(f"{witness.cosigner(key)}\n")
        (tmp_path / "checkpoint-kept").write_text(kept.note)
        yield running


def commands():
    page = PAGE.read_text(encoding="utf-8")
    part = page[page.index("## With tools of your own") : page.index("## What a leaf says")]
    return re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_works(served, tmp_path):
    if any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip(f"needs {', '.join(TOOLS)}")
    script = "\n".join(["set -e -o pipefail", TOKEN, *commands()])
    script = script.replace('"$BASE" checkpoint ', '"$BASE" checkpoint checkpoint-kept ')
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "BASE": served.issuer, "SECRET": served.secret},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[:3] == ["Signature Verified Successfully", "300 whole", "600 whole"]
    assert said[3] == said[4]
    assert said[5] == "Signature Verified Successfully"
    service.add_witness(
        "me", Kind.EMAIL, "me@example.org", SYSTEM, utc_now(), keys(),
        verifier=(tmp_path / "my-key").read_text(),
    )  # fmt: skip
    assert service.record_cosignature("me", (tmp_path / "cosigned").read_text(), keys())[0] == 600
    assert log.verify().confirmed == 2


def test_the_page_s_tree_sees_what_was_changed(served, tmp_path):
    (script,) = [text for text in commands() if "tree.py" in text]
    body = script.partition("<<'EOF'\n")[2].partition("EOF\n")[0]
    forged = tmp_path / "forged"
    forged.write_text(str(notes.Checkpoint("log", 400, bytes(32))))
    done = subprocess.run(
        ["python3", "-c", body, served.issuer, forged, tmp_path / "checkpoint-kept"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "300 whole\n400 NOT WHAT WAS SIGNED\n"
