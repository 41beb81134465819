"""Co-signatures as text: a real one, and what is none."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.ledger import cosignatures, notes
from consent_service.ledger.notes import BadNote
from tests.support.witness import cosign, cosigner

# A checkpoint of a public staging log for certificates, and the line that a public witness put
# under it on 23 May 2026. The key is the one that the witness's people give out.
REAL_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
REAL_TEXT = (
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
)
REAL_LINE = (
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXT"
    "ynk5XeU/zZ0WBxtqB0DrAWfBw=="
)
OTHERS_LINE = (
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY"
    "/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg=="
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
TEXT = "log.example.org/v1/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def find(text, *lines, key=KEY):
    return cosignatures.find_cosignature(text, [line.rstrip("\n") for line in lines], cosigner(key))


def test_a_real_witness_s_line_is_read():
    key = cosignatures.read_cosigner(REAL_KEY)
    assert str(key) == REAL_KEY
    found = cosignatures.find_cosignature(REAL_TEXT, [OTHERS_LINE, REAL_LINE], key)
    assert found.line == REAL_LINE
    assert found.at == datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)
    with pytest.raises(BadNote):
        cosignatures.find_cosignature(REAL_TEXT.replace("532\n", "533\n"), [REAL_LINE], key)
    assert cosignatures.find_cosignature(REAL_TEXT, [OTHERS_LINE], key) is None


def test_the_time_is_signed_and_lines_of_the_checkpoint_too():
    line = cosign(TEXT, KEY, seconds=1_700_000_000)
    assert find(TEXT, line).at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert find(TEXT + "more\n", cosign(TEXT + "more\n", KEY)) is not None
    with pytest.raises(BadNote):
        find(TEXT + "more\n", line)


def test_a_line_of_another_name_or_key_is_passed_by():
    other = Ed25519PrivateKey.from_private_bytes(bytes([4]) * 32)
    assert find(TEXT, cosign(TEXT, other), cosign(TEXT, KEY, "elsewhere.example.org")) is None


@pytest.mark.parametrize("seconds", [2**63 - 1, 2**64 - 1])
def test_a_time_that_there_is_not_is_refused(seconds):
    with pytest.raises(BadNote):
        find(TEXT, cosign(TEXT, KEY, seconds=seconds))


@pytest.mark.parametrize("line", ["", "— name", "— name x", "- n AAAAAAAAAAAA", REAL_LINE[2:]])
def test_what_is_no_signature_line_is_refused(line):
    with pytest.raises(BadNote):
        find(TEXT, line)


def test_a_note_s_signature_is_no_co_signature():
    """A key may not be used for both, and the id tells them apart."""
    note = notes.sign(TEXT, "witness.example.org/w1", [KEY])
    assert find(TEXT, note.splitlines()[-1]) is None
    with pytest.raises(BadNote):
        cosignatures.read_cosigner(str(notes.verifier_of("witness.example.org/w1", KEY)))
    with pytest.raises(BadNote):
        notes.read_verifier(REAL_KEY)
