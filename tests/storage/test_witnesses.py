"""Checkpoints go to those who keep them, and what they co-sign comes back and is held against the
log. The witness is a real server that judges as C2SP's tlog-witness says."""

import socket
import threading
from datetime import timedelta

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.app import create_app
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import Conflict, Invalid, NotFound
from consent_service.ledger import log_keys, notes, proofs
from consent_service.ledger.verify import Broken
from consent_service.mail import service as mail
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from consent_service.witnesses import sending, service, store
from consent_service.witnesses.model import Kind
from tests.support import log, witness

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _quiet(app):
    with app.app_context(), structlog.testing.capture_logs():
        yield


@pytest.fixture
def server(_quiet):
    with witness.running() as running:
        running.verifiers = log.verifiers()
        yield running


@pytest.fixture
def add(clock):
    def act(name, kind, target, **more):
        service.add_witness(name, kind, str(target), SYSTEM, clock(), keys(), **more)

    return act


@pytest.fixture
def watched(add, server):
    """A log with a witness: its server."""
    add("w1", Kind.WEBHOOK, server.url, verifier=server.vkey, private=True)
    grow(7)
    return server


@pytest.fixture
def send(clock):
    """`send()`: what is due; who had it, and what went wrong."""

    def act():
        found = sending.send_due(clock(), keys(), can_mail=True)
        return {each.witness: each.error for each in found}

    return act


def grow(count=1):
    log.append(count)
    log.seal()
    return log.newest()


def only():
    (found,) = service.list_witnesses()
    return found


def change(statement, *values):
    with unit_of_work() as tx:
        marked = statement if tx.dialect.name == "sqlite" else statement.replace("?", "%s")
        assert tx.exec_driver_sql(marked, values).rowcount


def old_sizes(server):
    return [body.split(b"\n")[0].decode() for _, body in server.asked]


def test_a_checkpoint_is_co_signed_and_shown_with_the_line(watched, send):
    newest = log.newest()
    assert send() == {"w1": None}
    note = proofs.get_checkpoint().note
    assert notes.open_checkpoint(note, log.verifiers()) == newest
    _, lines = notes.split_note(note)
    assert [line.split(" ")[1] for line in lines] == [log.ORIGIN, witness.NAME]
    assert log.verify().confirmed == 1
    assert proofs.write_receipt(0).endswith(note)
    grow()
    assert witness.NAME not in proofs.get_checkpoint().note
    assert proofs.get_checkpoint(witnessed=True).note == note


def test_growth_is_proved_from_what_the_witness_has(watched, send, clock):
    sizes = [log.newest().size]
    for count in (1, 300, 25):
        assert send() == {"w1": None}
        sizes.append(grow(count).size)
        clock.advance(HOUR)
    assert send() == {"w1": None}
    assert old_sizes(watched) == ["old 0", *(f"old {size}" for size in sizes[:-1])]
    assert watched.size == sizes[-1]
    assert log.verify().confirmed == 4


def test_nothing_is_sent_sooner_than_it_is_due_nor_twice(watched, send, clock):
    assert send() == {"w1": None}
    assert send() == {}
    clock.advance(2 * HOUR)
    assert send() == {}  # it has not grown
    grow()
    assert send() == {"w1": None}
    grow()
    clock.advance(HOUR - timedelta(seconds=1))
    assert send() == {}
    clock.advance(timedelta(seconds=1))
    assert send() == {"w1": None}


def test_a_witness_that_has_another_size_is_sent_the_proof_from_there(watched, send, clock):
    assert send() == {"w1": None}
    change("UPDATE witnesses SET sent_size = 3")
    grow()
    clock.advance(HOUR)
    assert send() == {"w1": None}
    assert old_sizes(watched) == ["old 0", "old 3", f"old {log.newest().size - 1}"]


def test_a_witness_that_has_the_very_checkpoint_co_signs_it_again(watched, send):
    assert send() == {"w1": None}
    change("UPDATE witnesses SET sent_size = 0")
    change("DELETE FROM ledger_cosignatures")
    only_due_now()
    assert send() == {"w1": None}
    assert log.verify().confirmed == 1


def only_due_now():
    change("UPDATE witnesses SET due_at = created_at")


@pytest.mark.parametrize("same_size", [True, False])
def test_a_fork_is_said(watched, send, same_size):
    size = log.newest().size
    watched.size, watched.root = (size if same_size else size - 1), bytes(32)
    with structlog.testing.capture_logs() as logged:
        told = send()["w1"]
    assert told.startswith("FORK: ")
    assert only().last_error == told
    assert [line["event"] for line in logged] == ["witnesses:log:forked"]
    assert log.verify().confirmed == 0


def test_a_store_that_was_put_back_is_a_fork_too(watched, send):
    watched.size, watched.root = 500, bytes(32)
    assert send()["w1"] == (
        f"FORK: it has seen 500 leaves of this log, which has {log.newest().size}"
    )


def test_a_wrong_co_signature_is_refused(watched, send):
    good = watched.judge

    def forge(server, body):
        status, kind, line = good(body)
        server.size = 0
        return status, kind, line

    other = Ed25519PrivateKey.generate()
    text, _ = notes.split_note(proofs.get_checkpoint().note)
    wrong = witness.cosign(text.replace("\n8\n", "\n9\n"), watched.key)
    for said, told in (
        (wrong, "refused: a signature of a known key is wrong"),
        (witness.cosign(text, other), "refused: there is no co-signature of the witness's key"),
        ("", "refused: there is no co-signature"),
        ("hello", "no co-signature"),
        ("hello\n", "refused: "),
        ("\x00\n", "refused: "),
    ):
        watched.says.append((200, "text/plain", said.encode()))
        only_due_now()
        assert told in send()["w1"]
    assert proofs.get_checkpoint().note.count("—") == 1
    watched.says.append(forge)
    only_due_now()
    assert send() == {"w1": None}


@pytest.mark.parametrize(
    ("status", "told"),
    [(302, "points elsewhere"), (404, "does not know this log"), (403, "none of this log's keys"),
     (500, "it answers 500"), (409, "it answers 409"), (400, "could not read")],
)  # fmt: skip
def test_what_a_witness_refuses_is_said_in_our_words(watched, send, status, told):
    watched.says.append((status, "text/plain", b"<script>", ("Location", watched.url + "/there")))
    assert told in send()["w1"]
    assert [path for path, _ in watched.asked] == ["/add-checkpoint"]


def test_a_witness_that_names_sizes_for_ever_is_asked_twice(watched, send):
    for size in (3, 4, 5):
        watched.says.append((409, "text/x.tlog.size", b"%d\n" % size))
    assert send() == {"w1": "it answers 409"}
    assert old_sizes(watched) == ["old 0", "old 3"]


def test_one_that_is_down_is_tried_later_and_later_and_the_others_go_on(
    watched, send, add, clock, tmp_path
):
    with witness.running() as gone:
        add("a-gone", Kind.WEBHOOK, gone.url, verifier=gone.vkey, private=True)
    add("z-file", Kind.FILE, tmp_path)
    grow()
    assert send() == {"a-gone": "it does not answer", "w1": None, "z-file": None}
    waits = []
    for _ in range(4):
        before = clock()
        while not (found := send()):
            clock.advance(timedelta(seconds=5))
        assert found == {"a-gone": "it does not answer"}
        waits.append((clock() - before).total_seconds())
    assert waits == [15, 30, 60, 120]
    down = service.list_witnesses()[0]
    assert (down.failed_tries, down.last_error) == (5, "it does not answer")


def test_one_whose_name_leads_nowhere_is_told_as_such(add, send, monkeypatch):
    def nowhere(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    add("w1", Kind.WEBHOOK, "https://witness.example.org/")
    grow()
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert send() == {"w1": "it has a name that leads nowhere"}


def test_one_that_comes_back_is_well_again(watched, send, clock):
    watched.says.append((503, "text/plain", b""))
    assert send() == {"w1": "it answers 503"}
    clock.advance(timedelta(seconds=15))
    assert send() == {"w1": None}
    assert (only().failed_tries, only().last_error) == (0, None)
    assert only().due_at == clock() + HOUR


def test_a_private_address_is_refused_unless_it_is_said(add, send, server):
    grow()
    for url in (server.url, "https://10.0.0.1/", "http://witness.example.org/"):
        with pytest.raises(Invalid):
            add("w1", Kind.WEBHOOK, url)
    port = server.url.rpartition(":")[2]
    add("w1", Kind.WEBHOOK, f"http://localhost:{port}", private=True)
    change("UPDATE witnesses SET private = ?", False)
    assert send() == {"w1": "it is at a private address"}
    assert server.asked == []


def test_two_workers_send_once(app, settings, clock, watched):
    gate, apps = threading.Barrier(4, timeout=20), [create_app(settings, clock) for _ in range(4)]
    found = []

    def work(mine):
        with mine.app_context():
            gate.wait()
            found.extend(sending.send_due(clock(), keys(), can_mail=True))
            db.engine.dispose()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.error for each in found] == [None]
    assert len(watched.asked) == 1


def test_a_late_worker_that_saw_it_due_does_not_send_again(watched, send, clock):
    seen = only()
    assert send() == {"w1": None}
    with unit_of_work() as tx:
        assert not store.claim(tx, seen, clock() + HOUR)


def test_a_plain_webhook_is_posted_the_note(add, send, server):
    grow()
    add("keeper", Kind.WEBHOOK, server.url + "/keep?box=7", private=True)
    server.says.append((204, "text/plain", b""))
    assert send() == {"keeper": None}
    assert server.asked == [("/keep?box=7", proofs.get_checkpoint().note.encode())]


def test_a_letter_is_the_note_and_waits_sealed_in_the_outbox(add, send, clock):
    grow()
    add("keeper", Kind.EMAIL, "keeper@example.org")
    assert send() == {"keeper": None}
    ((waiting, letter),) = mail.list_newest(lambda *_: keys().master, 10)
    assert letter.to == "keeper@example.org"
    assert letter.text == proofs.get_checkpoint().note
    assert waiting.expires_at > clock() + timedelta(days=1)
    assert send() == {}


def test_without_a_mail_server_no_letter_is_written(add, clock):
    grow()
    add("keeper", Kind.EMAIL, "keeper@example.org")
    (told,) = sending.send_due(clock(), keys(), can_mail=False)
    assert "CONSENT_SMTP_HOST" in told.error
    assert mail.list_newest(lambda *_: keys().master, 10) == []


def test_a_file_a_checkpoint(add, send, tmp_path, clock):
    add("disk", Kind.FILE, tmp_path)
    sizes = []
    for _ in range(2):
        sizes.append(grow(5).size)
        assert send() == {"disk": None}
        clock.advance(HOUR)
    files = {path.name: path for path in tmp_path.iterdir()}
    assert set(files) == {f"checkpoint-{size}" for size in sizes}
    last = files[f"checkpoint-{sizes[-1]}"]
    assert notes.open_checkpoint(last.read_text(), log.verifiers()) == log.newest()
    assert oct(last.stat().st_mode & 0o777) == "0o644"


def test_a_file_that_a_crash_left_half_is_written_anew(add, send, tmp_path):
    add("disk", Kind.FILE, tmp_path)
    size = grow(5).size
    (tmp_path / f"checkpoint-{size}.part").write_text("127.0.0.1:80")
    assert send() == {"disk": None}
    (file,) = tmp_path.iterdir()
    whole = file.read_text()
    change("UPDATE witnesses SET sent_size = 0")  # it died before it said so
    only_due_now()
    assert send() == {"disk": None}
    assert file.read_text() == whole


def test_a_file_of_another_log_stays_and_is_a_fork(add, send, tmp_path):
    add("disk", Kind.FILE, tmp_path)
    size = grow(5).size
    text = str(notes.Checkpoint(log.ORIGIN, size, bytes(32)))
    file = tmp_path / f"checkpoint-{size}"
    file.write_text(notes.sign(text, log.ORIGIN, [Ed25519PrivateKey.generate()]))
    assert send()["disk"].startswith("FORK: ")
    assert bytes(32) == notes.read_checkpoint(notes.split_note(file.read_text())[0]).root


def test_a_directory_that_is_gone_is_not_made(add, send, tmp_path):
    place = tmp_path / "mounted"
    place.mkdir()
    add("disk", Kind.FILE, place)
    place.rmdir()
    grow()
    assert "is it mounted" in send()["disk"]
    assert not place.exists()


def test_what_a_keeper_co_signed_by_hand_is_taken_in(add):
    key = Ed25519PrivateKey.generate()
    add("keeper", Kind.EMAIL, "k@example.org", verifier=str(witness.cosigner(key, "k.example")))
    size = grow().size
    note = proofs.get_checkpoint().note
    text, _ = notes.split_note(note)
    line = witness.cosign(text, key, "k.example", 1_700_000_000)
    assert service.record_cosignature("keeper", note + line, keys())[0] == size
    assert proofs.get_checkpoint().note == note + line
    assert service.record_cosignature("keeper", note + line, keys())[0] == size  # once more
    assert log.verify().confirmed == 1
    for refused in (note, note + witness.cosign(text + "x\n", key, "k.example"), text, "", line):
        with pytest.raises(Invalid):
            service.record_cosignature("keeper", refused, keys())


def test_a_checkpoint_of_ours_that_is_not_in_this_log_is_a_fork(add):
    key = Ed25519PrivateKey.generate()
    add("keeper", Kind.EMAIL, "k@example.org", verifier=str(witness.cosigner(key, "k.example")))
    size = grow().size
    for other in (size, size + 1):
        text = str(notes.Checkpoint(log.ORIGIN, other, bytes(32)))
        note = notes.sign(text, log.ORIGIN, log_keys.private_keys(keys()))
        with pytest.raises(Conflict, match="FORK"):
            service.record_cosignature("keeper", note + witness.cosign(text, key), keys())


def test_a_log_that_was_made_anew_is_caught_by_what_was_co_signed(watched, send, clock):
    """Whoever holds our key and our store makes any log that is whole in itself: not so here."""
    assert send() == {"w1": None}
    change("UPDATE ledger_entries SET outcome = 'deny'")
    for table in ("leaves", "tiles", "checkpoints", "head"):
        change(f"DELETE FROM ledger_{table}")  # noqa: S608  # our own text
    grow(5)
    with pytest.raises(Broken, match="not what w1 saw in the checkpoint of 8: a fork") as caught:
        log.verify()
    assert caught.value.index == 0
    clock.advance(HOUR)
    assert send()["w1"].startswith("FORK: ")
    with pytest.raises(NotFound):
        proofs.get_checkpoint(witnessed=True)
    change("DELETE FROM ledger_cosignatures")
    assert log.verify().leaves == 13  # it is whole in itself, which says nothing


def test_what_was_co_signed_says_since_when_the_log_differs(watched, send, clock):
    first = log.newest().size
    assert send() == {"w1": None}
    second = grow(20).size
    clock.advance(HOUR)
    assert send() == {"w1": None}
    grow(5)
    change("UPDATE ledger_cosignatures SET root = ? WHERE size = ?", bytes(32), second)
    with pytest.raises(Broken, match="what w1 co-signed of 28 leaves was changed") as caught:
        log.verify()
    text = str(notes.Checkpoint(log.ORIGIN, second, bytes(32)))
    line = witness.cosign(text, watched.key).rstrip("\n")
    change("UPDATE ledger_cosignatures SET line = ? WHERE size = ?", line, second)
    with pytest.raises(Broken, match="a fork") as caught:
        log.verify()
    assert caught.value.index == first
    assert proofs.get_checkpoint(witnessed=True).size == first


def test_what_a_witness_kept_names_where_the_log_may_differ():
    sizes = [grow(count).size for count in (300, 250, 150)]
    kept = [notes.Checkpoint(log.ORIGIN, size, proofs.root_at(size)) for size in sizes]
    assert log.verify_witnessed(*kept).leaves == sizes[-1]
    forged = notes.Checkpoint(log.ORIGIN, sizes[1] + 9, bytes(32))
    with pytest.raises(Broken, match="a fork") as caught:
        log.verify_witnessed(kept[0], forged)
    assert caught.value.index == sizes[0]  # and not what our own checkpoint vouches for
    with pytest.raises(Broken, match="missing") as caught:
        log.verify_witnessed(notes.Checkpoint(log.ORIGIN, 9_999, bytes(32)))
    assert caught.value.index == sizes[-1]


def test_a_witness_that_is_disabled_is_sent_nothing(watched, send, clock):
    service.disable_witness("w1", SYSTEM, clock())
    assert send() == {}
    assert watched.asked == []


@pytest.mark.parametrize(
    ("name", "kind", "target", "more"),
    [
        ("", Kind.EMAIL, "k@example.org", {}),
        ("A b", Kind.EMAIL, "k@example.org", {}),
        ("k", Kind.EMAIL, "nobody", {}),
        ("k", Kind.FILE, "relative", {}),
        ("k", Kind.FILE, "/nowhere/at/all", {}),
        ("k", Kind.WEBHOOK, "witness", {}),
        ("k", Kind.EMAIL, "k@example.org", {"verifier": "k+00000000+AA=="}),
    ],
)
def test_what_cannot_be_a_witness_is_refused(add, name, kind, target, more):
    with pytest.raises(Invalid):
        add(name, kind, target, **more)


def test_a_name_is_taken_once_and_each_act_is_logged(add, clock):
    add("k", Kind.EMAIL, "k@example.org")
    with pytest.raises(Conflict):
        add("k", Kind.EMAIL, "other@example.org")
    service.disable_witness("k", SYSTEM, clock())
    log.seal()
    with unit_of_work() as tx:
        said = [
            reason
            for (reason,) in tx.exec_driver_sql("SELECT reason FROM ledger_entries ORDER BY id")
        ]
    assert said == ["witness_added", "witness_disabled"]
