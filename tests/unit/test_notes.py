"""Notes, checkpoints and proofs as text."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.ledger import notes
from consent_service.ledger.notes import BadNote, Checkpoint, Verifier

# The example of Go's note package.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PUBLISHED = (
    PUBLISHED_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2"
    "pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

NAME = "log.example.org/v1/log"
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
OURS = notes.verifier_of(NAME, KEY)
CHECKPOINT = Checkpoint(NAME, 7, bytes(range(32)))


def signed(text=str(CHECKPOINT), keys=(KEY,)):
    return notes.sign(text, NAME, keys)


def test_a_published_note_is_read():
    key = notes.read_verifier(PUBLISHED_KEY)
    assert str(key) == PUBLISHED_KEY
    assert notes.open_note(PUBLISHED, [key]) == PUBLISHED_TEXT


def test_a_checkpoint_is_signed_and_read():
    note = signed()
    assert note.startswith(f"{NAME}\n7\nAAECAwQ")
    assert notes.open_checkpoint(note, [OURS]) == CHECKPOINT
    assert notes.read_verifier(str(OURS)) == OURS


def test_each_key_alone_is_enough():
    note = signed(keys=(OTHER, KEY))
    for key in (KEY, OTHER):
        assert notes.open_checkpoint(note, [notes.verifier_of(NAME, key)]) == CHECKPOINT


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        str(CHECKPOINT),
        str(CHECKPOINT) + "\n",
        signed().rstrip("\n"),
        signed().replace("\n7\n", "\n8\n"),
        signed().replace(NAME, "log.example.com/v1/log", 1),
        signed(keys=(OTHER,)),
        signed().replace("— ", "- "),
        signed() + "no signature\n",
        signed() + "— other AA==\n",
        signed() + "— other x!\n",
        signed().replace("\n7\n", "\r\n7\n"),
        signed() + "— other AAAAAAAA\n" * 64,
        PUBLISHED,
    ],
)
def test_what_nobody_known_signed_is_refused(note):
    with pytest.raises(BadNote):
        notes.open_checkpoint(note, [OURS])


def test_a_wrong_signature_of_a_known_key_spoils_the_note():
    wrong = signed("other\n1\n\n")
    line = wrong.splitlines(keepends=True)[-1]
    with pytest.raises(BadNote):
        notes.open_note(signed() + line, [OURS])


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n07\n" + base64.b64encode(bytes(32)).decode() + "\n",
        f"{NAME}\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n",
        f"{NAME}\n7\n" + base64.b64encode(bytes(31)).decode() + "\n",
        f"{NAME}\n7\nnot base64\n",
        f"{NAME}\n7\n",
        "\n7\n" + base64.b64encode(bytes(32)).decode() + "\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(BadNote):
        notes.open_checkpoint(signed(text), [OURS])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        str(OURS).replace("log.", "lag."),
        str(OURS)[:-4],
        str(OURS).replace("+AY", "+BI"),
        PUBLISHED_KEY.replace("c74f20a3", "c74f20a4"),
        str(Verifier("", OURS.public)),
        str(Verifier("a b", OURS.public)),
    ],
)
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(BadNote):
        notes.read_verifier(text)


def test_a_proof_is_written_and_read():
    hashes = [bytes([n]) * 32 for n in range(3)]
    text = notes.write_proof(4, hashes, signed())
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 4\nAAAA")
    assert notes.read_proof(text) == (4, hashes, signed())
    extra = text.replace("\nindex", "\nextra AAAA\nindex")
    assert notes.read_proof(extra) == (4, hashes, signed())
    assert notes.read_proof(notes.write_proof(0, [], signed()))[:2] == (0, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "index 4\n\n",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 04\n\n",
        "c2sp.org/tlog-proof@v2\nindex 4\n\n",
        "c2sp.org/tlog-proof@v1\nindex 4\n?\n\n",
    ],
)
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(BadNote):
        notes.read_proof(text)
