"""The log over HTTP, read as an outsider reads it: with the key, and trust in nothing else."""

import base64
import io
import json
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import parse_customer_id
from consent_service.ledger import cosigning, notes, personal_data, proofs, tree_store
from consent_service.ledger.merkle import (
    BadProof,
    check_consistency,
    check_inclusion,
    leaf_hash,
    root_of,
)
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.ledger.tiles import WIDTH, address_of, split, width_at
from consent_service.personal_data import service as everything
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import log
from tests.support.witness import cosign, cosigner


@pytest.fixture
def auditor(api, make_client, token_for):
    return api(token_for(make_client("auditor", {"disclosures:read"})))


@pytest.fixture
def seal(app):
    """`seal(size)`: the log grows to so many leaves, and is sealed."""

    def act(size):
        with app.app_context():
            with reading() as tx:
                have = tx.scalar(select(func.count()).select_from(LedgerEntryRow))
            log.append(size - have, purpose="marketing.newsletter")
            log.seal()

    return act


@pytest.fixture
def key(api):
    return notes.read_verifier(api().get("/v1/log/key").text)


def checkpoint(api, key):
    return notes.open_checkpoint(api().get("/v1/log/checkpoint").text, [key])


def hashes(reply):
    assert reply.status_code == 200, reply.text
    return [base64.b64decode(text) for text in reply.json["hashes"]]


def leaf_hashes(api, size):
    """The hashes of all leaves, from the tiles."""
    found = b""
    for n in range(-(-size // WIDTH)):
        width = width_at(0, n, size)
        found += api().get("/v1/log/tile/0/" + address_of(n, width)).data
    return split(found)


def test_before_the_first_leaf_there_is_a_key_and_no_tree(api):
    assert api().get("/v1/log/checkpoint").status_code == 404
    assert notes.read_verifier(api().get("/v1/log/key").text).name == "127.0.0.1:8000/v1/log"
    assert api().get("/v1/log/tile/0/000").status_code == 404


def test_the_tree_is_put_together_from_its_tiles(api, seal, key):
    seal(300)
    seal(570)
    signed = checkpoint(api, key)
    assert signed.size == 570
    assert root_of(leaf_hashes(api, 570)) == signed.root
    upper = api().get("/v1/log/tile/1/000.p/2").data
    assert split(upper) == [root_of(leaf_hashes(api, 570)[at : at + 256]) for at in (0, 256)]


def test_what_a_witness_co_signed_stands_on_the_note_of_that_size(app, api, auditor, seal, key):
    seal(5)
    assert api().get("/v1/log/checkpoint?witnessed=true").status_code == 404
    note, witness_key = api().get("/v1/log/checkpoint").text, Ed25519PrivateKey.generate()
    line = cosign(note.partition("\n\n")[0] + "\n", witness_key)
    with app.app_context():
        kept = proofs.get_checkpoint()
        cosigning.record_cosignature(kept, "w1", cosigner(witness_key), [line.rstrip("\n")])
    assert api().get("/v1/log/checkpoint").text == note + line
    assert auditor.get("/v1/log/receipts/4").text.endswith(note + line)
    reply = auditor.get("/v1/log/packs")
    with zipfile.ZipFile(io.BytesIO(reply.data)) as opened:
        assert opened.read("checkpoint").decode() == note + line
    reply.close()
    seal(7)
    newest = api().get("/v1/log/checkpoint").text
    assert newest.count("—") == 1
    assert api().get("/v1/log/checkpoint?witnessed=true").text == note + line
    assert api().get("/v1/log/checkpoint?witnessed=false").text == newest
    assert api().get("/v1/log/checkpoint?witnessed=7").status_code == 422
    assert checkpoint(api, key).size == 7


def test_an_earlier_partial_tile_stays_what_it_was(api, seal):
    seal(3)
    before = api().get("/v1/log/tile/0/000.p/3")
    seal(7)
    assert api().get("/v1/log/tile/0/000.p/3").data == before.data
    assert "immutable" in before.headers["Cache-Control"]


@pytest.mark.parametrize(
    "address",
    ["0/000", "0/000.p/6", "0/001.p/1", "1/000.p/1", "64/000.p/1", "0/0", "0/x000/000", "0/..",
     "0/000.p/5/", "00/000.p/5", "-1/000"],
)  # fmt: skip
def test_a_tile_that_is_not_there_is_404(api, seal, address):
    seal(5)
    assert api().get("/v1/log/tile/" + address).status_code == 404


def test_every_leaf_is_proved(api, auditor, seal, key):
    seal(5)
    seal(7)
    signed = checkpoint(api, key)
    kept = leaf_hashes(api, 7)
    for index in range(7):
        proof = hashes(auditor.get(f"/v1/log/proof/inclusion?index={index}&size=7"))
        check_inclusion(kept[index], index, 7, proof, signed.root)
        with pytest.raises(BadProof):
            check_inclusion(leaf_hash(b"other"), index, 7, proof, signed.root)


def test_growth_is_proved(api, auditor, seal, key):
    signed = []
    for size in (1, 5, 305):
        seal(size)
        signed.append(checkpoint(api, key))
    for before in signed:
        for after in signed[signed.index(before) :]:
            query = f"first={before.size}&second={after.size}"
            proof = hashes(auditor.get("/v1/log/proof/consistency?" + query))
            check_consistency(before.size, after.size, proof, before.root, after.root)


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("inclusion?index=7&size=7", "/index"),
        ("inclusion?index=0&size=8", "/size"),
        ("inclusion?index=-1&size=7", "/index"),
        ("inclusion?index=0", "/size"),
        ("inclusion?index=0&size=7&x=1", "/x"),
        ("consistency?first=0&second=7", "/first"),
        ("consistency?first=5&second=4", "/first"),
        ("consistency?first=1&second=8", "/second"),
    ],
)
def test_what_cannot_be_proved_is_422(auditor, seal, path, pointer):
    seal(7)
    reply = auditor.get("/v1/log/proof/" + path)
    assert reply.status_code == 422
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]


def test_a_receipt_is_checked_offline(auditor, seal, key):
    seal(9)
    index, proof, note = notes.read_proof(auditor.get("/v1/log/receipts/4").text)
    signed = notes.open_checkpoint(note, [key])
    bundle = auditor.get("/v1/log/tile/entries/000.p/9").data
    leaf = read_bundle(bundle)[4]
    assert json.loads(leaf)["purpose"] == "marketing.newsletter"
    check_inclusion(leaf_hash(leaf), index, signed.size, proof, signed.root)
    assert auditor.get("/v1/log/receipts/9").status_code == 404


def read_bundle(raw):
    leaves = []
    while raw:
        end = 2 + int.from_bytes(raw[:2])
        leaves.append(raw[2:end])
        raw = raw[end:]
    return leaves


def test_what_leaves_say_hashes_to_the_tiles(api, auditor, seal):
    seal(260)
    leaves = read_bundle(auditor.get("/v1/log/tile/entries/000").data)
    leaves += read_bundle(auditor.get("/v1/log/tile/entries/001.p/4").data)
    assert [leaf_hash(leaf) for leaf in leaves] == leaf_hashes(api, 260)
    assert auditor.get("/v1/log/tile/entries/001.p/5").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["tile/entries/000.p/1", "proof/inclusion?index=0&size=1", "receipts/0",
     "proof/consistency?first=1&second=1"],
)  # fmt: skip
def test_what_leaves_say_is_for_auditors(api, seal, path):
    seal(1)
    assert api().get("/v1/log/" + path).status_code == 401


def test_no_leaf_names_the_customer_and_a_check_s_leaf_commits_to_its_payload(app, shop, auditor):
    ann = shop.customer("ann@example.org")
    shop.check(ann)
    with app.app_context():
        log.seal()
    (item,) = auditor.get("/v1/disclosures?kind=decision").json["items"]
    lines = auditor.get("/v1/disclosures", headers={"Accept": "application/x-ndjson"}).text
    assert json.loads(lines)["leaf_index"] == item["leaf_index"]
    size = notes.read_checkpoint(
        auditor.get("/v1/log/checkpoint").text.partition("\n\n")[0] + "\n"
    ).size
    leaves = read_bundle(auditor.get(f"/v1/log/tile/entries/{address_of(0, size)}").data)
    said = json.loads(leaves[item["leaf_index"]])
    assert (said["kind"], said["purpose"], said["known"]) == ("decision", "news", True)
    assert len(base64.b64decode(said["commitment"])) == 32
    assert ann not in b"".join(leaves).decode()


def test_what_is_not_sealed_yet_is_not_erased(app, shop):
    ann = shop.customer("ann@example.org")
    shop.check(ann)
    found = parse_customer_id(ann)
    with app.app_context():
        log.seal()
    shop.check(ann)
    with app.app_context():
        with pytest.raises(personal_data.NotSealedYet), unit_of_work() as tx:
            personal_data.erase(tx, [found])
        log.seal()
        everything.erase([found], utc_now())
        assert log.verify().erased == 3


def test_merging_changes_no_leaf_and_erasing_leaves_no_way_back(app, shop):
    ann, bob = shop.customer("ann@example.org"), shop.customer("bob@example.org")
    for one in (ann, bob):
        shop.say(one, "given")
        shop.check(one)
    with app.app_context():
        log.seal()
        before = log.newest()
    shop.merge(ann, bob)
    with app.app_context():
        log.seal()
        assert log.verify(before).erased == 0
        everything.erase([parse_customer_id(ann)], utc_now())
        report = log.verify(before)
    assert (report.erased, report.leaves) == (7, before.size + 1)


def test_the_answers_of_a_batch_come_whole_and_hash_to_its_leaf(app, auditor):
    with app.app_context():
        log.seal()
        log.append_batch(300, outcome="permit")
        log.seal()
        at = log.newest().size - 1
        with reading() as tx:
            leaf = json.loads(tree_store.list_leaves(tx, at, at + 1)[0][2])
    lines = [json.loads(line) for line in auditor.get(f"/v1/log/batches/{at}").text.splitlines()]
    assert [line["answer"] for line in lines] == list(range(300))
    hashes = [base64.b64decode(line["hash"]) for line in lines]
    assert base64.b64encode(root_of(hashes)).decode() == leaf["commitment"]
    assert auditor.get(f"/v1/log/batches/{at + 1}").status_code == 404
