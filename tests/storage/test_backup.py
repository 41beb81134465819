"""Backups: round trips, what is not in them, and what does not come back with them."""

import glob
import json
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import make_url

from consent_service.crypto import keyring as keyrings
from consent_service.kernel.errors import MisconfiguredError
from consent_service.kernel.ids import parse_customer_id
from consent_service.operations import backing_up
from consent_service.operations.journal import read_journal
from consent_service.operations.keeping import Keeper as JournalKeeper
from consent_service.operations.model import LEFT_OUT, BadBackup, Incomplete, NotEmpty
from consent_service.web.runtime import keys, runtime
from tests.storage.test_no_plaintext import written_down
from tests.support import log
from tests.support.clock import START
from tests.support.erasing import Eraser
from tests.support.restoring import Keeper, restore
from tests.support.tables import all_tables


@pytest.fixture
def keeper(shop, keyring, tmp_path, contract):
    return Keeper(shop, keyring, tmp_path, contract)


@pytest.fixture
def desk(shop):
    return Eraser(shop)


all_tables()  # of every room, whichever have been used by now


def dumped(url, directory):
    """A copy by the database's own means; what puts it into another database."""
    plain = [url.set(drivername="postgresql").render_as_string(hide_password=False)]
    file = directory / "dump"
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(url.database)) as ours, closing(sqlite3.connect(file)) as copy:
            ours.backup(copy)
        return lambda to: shutil.copy(file, make_url(to).database)
    subprocess.run([tool("pg_dump"), "-Fc", "-f", file, *plain], check=True)

    def put_back(to):
        there = make_url(to).set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([tool("pg_restore"), "-d", there, file], check=True)

    return put_back


def tool(name):
    return shutil.which(name) or sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1]


def ready(found):
    return found.app.test_client().get("/readyz")


def refusal(found, customer):
    """The answer to a check with a token that was made before."""
    body = {"customer_id": customer, "purpose": "news", "recipient": "mailer"}
    return found.app.test_client().post(
        "/v1/decisions", json=body, headers={"Authorization": "Bearer x"}
    )


def test_all_that_is_kept_comes_back(shop, keeper, empty_store):
    ann = shop.customer("ann@example.org", profile={"first_name": "Änn\t\\N\n"})
    shop.say(ann, "given", evidence={"form": "a\\b"})
    shop.check(ann)
    shop.suppress("bob@example.org", "complained")
    directory = keeper.back_up()
    before = {n: shop.rows(n) for n in shop.counts() if n not in LEFT_OUT}
    with keeper.restored(directory, empty_store) as found:
        for name, rows in before.items():
            there = found.rows(name)
            if name not in ("ledger_head", "ledger_entries", "ledger_former_names", "restores"):
                assert sorted(map(repr, there)) == sorted(map(repr, rows)), name
        assert [name for name in LEFT_OUT if found.rows(name)] == []
        assert ready(found).status_code == 503
        assert ready(found).json["code"] == "not_replayed"
        assert refusal(found, ann).json["code"] == "not_replayed"
        keeper.finish(found, nothing=True)
        assert ready(found).status_code == 200
        assert found.reason(ann) == "consent_given"
        assert (
            found.api.get(f"/v1/customers/{ann}").json["profile"]["first_name"]["value"]
            == "Änn\t\\N\n"
        )
        assert found.api.post("/v1/customers", {}).status_code == 201
        with found.app.app_context():
            log.seal()


def test_files_are_nobody_elses_and_keys_are_apart(shop, keeper):
    shop.customer()
    directory = keeper.back_up()
    for path in [directory, *directory.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    wrapped = [bytes(row["wrapped"]) for row in shop.rows("customer_keys")]
    assert wrapped
    rows = backing_up.ZipFile(directory / "rows.zip")
    everything = b"".join(rows.read(name) for name in rows.namelist())
    kept = (directory / "keys.txt").read_bytes()
    for one in wrapped:
        assert one.hex().encode() in kept
        assert one.hex().encode() not in everything


def test_who_was_erased_since_is_erased_again(shop, keeper, desk, empty_store):
    ann = shop.customer("ann@example.org", profile={"first_name": "Canaryann"})
    bob = shop.customer()
    shop.say(ann, "given")
    shop.say(bob, "given")
    directory = keeper.back_up()
    life = {bytes(r["wrapped"]) for r in shop.rows("customer_keys") if r["kind"] == "life"}
    assert desk.run(desk.approved(ann, "erasure")) == "done"
    newer = keeper.erased_list()
    with keeper.restored(directory, empty_store, erased=[newer]) as found:
        done = keeper.finish(found, nothing=True)
        assert done.erased == 1
        assert found.reason(ann) == "no_record"
        assert found.reason("ann@example.org") == "suppressed"
        assert found.reason(bob) == "consent_given"
        rows = b"".join(repr(found.rows(name)).encode() for name in found.counts())
        place = parse_customer_id(ann)
        assert not any(form in rows for form in (str(place).encode(), place.hex.encode()))
        left = {bytes(r["wrapped"]) for r in found.rows("customer_keys")}
        raw = written_down(empty_store)
        for one in (life - left,):
            assert len(one) == 1
            assert not any(key in raw or key.hex().encode() in raw for key in one)
        assert b"Canaryann" not in raw
        with found.app.app_context():
            log.seal()
            log.verify()


def test_pruned_keys_open_nobody_who_was_erased(shop, keeper, desk, empty_store):
    ann, bob = shop.customer("ann@example.org"), shop.customer()
    shop.say(bob, "given")
    directory = keeper.back_up()
    assert desk.run(desk.approved(ann, "erasure")) == "done"
    with shop.app.app_context():
        assert backing_up.prune_keys(directory / "keys.txt", keeper.erased_list(), keys()) == 2
        assert backing_up.prune_keys(directory / "keys.txt", None, keys()) == 0
    with keeper.restored(directory, empty_store) as found:  # the list is forgotten
        assert keeper.finish(found, nothing=True).erased == 1
        assert found.reason(ann) == "no_record"
        assert found.reason("ann@example.org") == "suppressed"
        assert found.reason(bob) == "consent_given"


def test_every_no_since_holds_at_the_first_check(shop, keeper, desk, empty_store):
    ann, bob, cem, dan = (shop.customer() for _ in range(4))
    eve, fay = shop.customer("eve@example.org"), shop.customer()
    for each in (ann, bob, cem, dan, eve, fay):
        shop.say(each, "given")
    keeper.follow()
    shop.clock.advance(timedelta(minutes=1))
    directory = keeper.back_up()
    shop.clock.advance(timedelta(minutes=1))
    shop.say(ann, "withdrawn")
    shop.merge(bob, cem)
    shop.say(bob, "objected")
    shop.suppress("eve@example.org", "complained")
    request = desk.confirmed(dan, "erasure")
    shop.signal(fay)
    keeper.follow()
    lost = desk.ask(ann, "access")
    keeper.follow()
    with keeper.restored(directory, empty_store) as found:
        with pytest.raises(Incomplete):
            keeper.finish(found)
        assert ready(found).status_code == 503
        done = keeper.finish(found, journal=keeper.journal)
        assert found.reason(ann) == "withdrawn"
        assert found.reason(bob) == "objected"
        assert found.reason(cem) == "objected"
        assert found.reason(dan) == "restricted"
        assert found.reason("eve@example.org") == "suppressed"
        assert (done.noes, done.merges, done.marks, done.restrictions) == (3, 1, 1, 1)
        assert set(done.requests) == {f"{request} erasure", f"{lost} access"}
        acts = [r["reason"] for r in found.rows("ledger_entries") if r["kind"] == "staff_act"]
        assert acts[-1] == "restore_replayed"


def test_a_journal_that_ends_before_the_backup_tells_nothing(shop, keeper, empty_store):
    keeper.follow()
    shop.clock.advance(timedelta(seconds=1))
    directory = keeper.back_up()
    with keeper.restored(directory, empty_store) as found, pytest.raises(Incomplete):
        keeper.finish(found, journal=keeper.journal)


def test_a_store_with_tables_is_refused(shop, keeper, empty_store):
    directory = keeper.back_up()
    with keeper.restored(directory, empty_store) as found, pytest.raises(NotEmpty):
        restore(found.app, directory, found.clock)


@pytest.mark.parametrize("name", ["manifest.json", "rows.zip", "keys.txt", "erased.txt"])
def test_tampered_files_are_refused(shop, keeper, empty_store, name):
    shop.customer()
    directory = keeper.back_up()
    path = directory / name
    raw = path.read_bytes()
    for changed in (raw[:-30], raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], b""):
        path.write_bytes(changed)
        with keeper.on(empty_store) as found:
            with pytest.raises(BadBackup):
                restore(found.app, directory, found.clock)
            assert ready(found).status_code == 503
    path.write_bytes(raw)
    with keeper.restored(directory, empty_store) as found:
        assert found.rows("restores")


def test_keys_of_another_backup_and_a_wrong_keyring_are_told(shop, keeper, empty_store):
    shop.customer()
    directory, other = keeper.back_up(), keeper.back_up("other")
    with keeper.on(empty_store) as found, pytest.raises(BadBackup, match="another backup"):
        restore(found.app, directory, found.clock, keys_file=other / "keys.txt")
    wrong = keyrings.generate(START)
    with keeper.on(empty_store, wrong) as found, pytest.raises(MisconfiguredError, match="index"):
        restore(found.app, directory, found.clock)


def test_a_restored_log_contradicts_no_checkpoint(shop, keeper, empty_store):
    shop.customer()
    directory = keeper.back_up()
    old = json.loads((directory / "manifest.json").read_bytes())["manifest"]["log"]
    shop.customer()
    with shop.app.app_context():
        log.seal()
    theirs = {row["size"]: row for row in shop.rows("ledger_checkpoints")}
    with keeper.restored(directory, empty_store) as found:
        keeper.finish(found, nothing=True)
        ours = {row["size"]: row for row in found.rows("ledger_checkpoints")}
        for size in ours.keys() & theirs.keys():
            same_name = ours[size]["note"].split("\n")[0] == theirs[size]["note"].split("\n")[0]
            assert same_name == (size <= old["size"])
            assert same_name == (ours[size]["root"] == theirs[size]["root"])
        assert max(ours) > old["size"]
        with found.app.app_context():
            log.verify()


def test_what_pg_restore_put_back_is_noticed(shop, keeper, tmp_path, empty_store):
    """By the journal, which is outside: the service stops until what happened since is replayed."""
    ann = shop.customer()
    shop.say(ann, "given")
    keeper.follow()
    copy = dumped(shop.app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    shop.clock.advance(timedelta(minutes=1))
    shop.say(ann, "withdrawn")
    keeper.follow()
    copy(empty_store)
    with keeper.on(empty_store) as found:
        assert found.reason(ann) == "consent_given"  # what nobody would notice
        with found.app.app_context():
            writer = JournalKeeper(keeper.journal, runtime().settings.base_url)
            assert writer.work(found.clock, keys()) == 0
        assert ready(found).json["code"] == "not_replayed"
        assert keeper.finish(found, journal=keeper.journal).noes == 1
        assert found.reason(ann) == "withdrawn"


def test_a_journal_that_was_changed_is_refused(shop, keeper, empty_store):
    ann = shop.customer()
    shop.say(ann, "given")
    keeper.follow()
    directory = keeper.back_up()
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "withdrawn")
    keeper.follow()
    first, last = sorted(keeper.journal.glob("*.journal"))
    assert first.read_bytes().count(b"\n") == 3
    raw = last.read_bytes()
    assert ann.encode() not in raw
    assert parse_customer_id(ann).hex.encode() not in raw
    lines = raw.split(b"\n")
    with keeper.restored(directory, empty_store) as found:
        for changed in (
            [lines[0], lines[2], lines[1], *lines[3:]],
            [lines[0], *lines[2:]],
            [lines[0], lines[1][:-8] + b"AAAAAAA=", *lines[2:]],
        ):
            last.write_bytes(b"\n".join(changed))
            with pytest.raises(BadBackup):
                keeper.finish(found, journal=keeper.journal)
        last.write_bytes(raw + b"dG9ybg")  # a line that was not written to its end
        with found.app.app_context():
            assert [line.what for line in read_journal(keeper.journal, keys())][-2:] == ["no", ""]
        keeper.finish(found, journal=keeper.journal)
        assert found.reason(ann) == "withdrawn"
