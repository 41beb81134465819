"""What clients and staff lost since a backup is not theirs again after it was put back."""

from datetime import timedelta

import pytest

from consent_service.accounts import staff, staff_store
from consent_service.accounts.model import Role
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import MisconfiguredError
from consent_service.kernel.ids import parse_customer_id
from consent_service.oauth import grant_service, grant_store, service
from consent_service.oauth.grant_model import CustomerGrant
from consent_service.oauth.model import ClientChanges, ClientKind
from consent_service.operations import keeping
from consent_service.operations.journal import read_journal
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys, runtime
from tests.support.log import seal, verify
from tests.support.officers import enrol
from tests.support.restoring import Keeper

ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
HOUR = timedelta(hours=1)
READ, CHECK = "catalogue:read", "decisions:check"


@pytest.fixture
def keeper(shop, keyring, tmp_path, contract):
    return Keeper(shop, keyring, tmp_path, contract)


@pytest.fixture
def now(shop):
    return shop.clock


def make(shop, name, scopes=(READ,), recipients=()):
    with shop.app.app_context():
        return service.create_client(
            name, name, frozenset(scopes), tuple(recipients), SYSTEM, shop.clock()
        ).secret


def is_let_in(found, name, secret):
    with found.app.app_context():
        return service.authenticate_client(name, secret, found.clock()) is not None


def standing(found):
    with found.app.app_context():
        return {
            one.name: "disabled" if one.disabled_at else "active" if one.enrolled else "invited"
            for one in staff.list_staff()
        }


def allow(shop, customer, client_id):
    now = shop.clock()
    grant = CustomerGrant(
        parse_customer_id(customer), client_id, frozenset({READ}), now, now + 100 * HOUR
    )
    with shop.app.app_context(), unit_of_work() as tx:
        grant_store.put_grant(tx, grant)


def live_grants(found):
    return sum(row["ended_at"] is None for row in found.rows("customer_grants"))


def test_who_lost_a_right_since_has_not_got_it_back(shop, keeper, now, empty_store):
    secrets = {name: make(shop, name) for name in ("stays", "disabled", "deleted", "rotated")}
    make(shop, "narrowed", (READ, CHECK), ("mailer", "broker"))
    make(shop, "emptied", (READ,))
    with shop.app.app_context():
        for name in ("olga", "otto", "oskar"):
            enrol(name, now())
        enrol("adam", now(), "admin", "officer")
    keeper.follow()
    now.advance(HOUR)
    directory = keeper.back_up()
    now.advance(HOUR)
    with shop.app.app_context():
        service.disable_client("disabled", SYSTEM, now())
        service.delete_client("deleted", SYSTEM, now())
        newer = service.rotate_secret("rotated", timedelta(0), SYSTEM, now()).secret
        less = ClientChanges(scopes=frozenset({CHECK}), recipients=("mailer",))
        service.change_client("narrowed", less, SYSTEM, now())
        others = ClientChanges(scopes=frozenset({"consents:read"}))
        service.change_client("emptied", others, SYSTEM, now())
        staff.disable_staff("otto", SYSTEM, now())
        staff.reset_staff("oskar", SYSTEM, now(), keys())
        with unit_of_work() as tx:
            adam = next(one for one in staff_store.list_all(tx) if one.name == "adam")
            staff_store.set_roles(tx, adam.id, {Role.ADMIN})
    keeper.follow()
    with keeper.restored(directory, empty_store) as found:
        assert is_let_in(found, "disabled", secrets["disabled"])  # what the backup says
        done = keeper.finish(found, journal=keeper.journal)
        assert is_let_in(found, "stays", secrets["stays"])
        for name in ("disabled", "deleted", "rotated"):
            assert not is_let_in(found, name, secrets[name])
        assert not is_let_in(found, "rotated", newer)  # it is not there: rotate again
        with found.app.app_context():
            narrowed, emptied = service.get_client("narrowed"), service.get_client("emptied")
            roles = {one.name: one.roles for one in staff.list_staff()}
        assert (narrowed.scopes, narrowed.recipients) == ({CHECK}, ("mailer",))
        assert emptied.disabled_at is not None
        assert standing(found) == {
            "adam": "active",
            "olga": "active",
            "oskar": "invited",
            "otto": "disabled",
        }
        assert roles["adam"] == {Role.ADMIN}
        assert not done.shut
        assert done.held == (
            *(f"client {n}" for n in ("deleted", "disabled", "emptied", "narrowed", "rotated")),
            *(f"staff {n}" for n in ("adam", "oskar", "otto")),
        )
        assert found.check(shop.customer())["outcome"] == "deny"  # the shop's own token still works
        acts = [r["reason"] for r in found.rows("ledger_entries") if r["kind"] == "staff_act"]
        assert acts[-2:] == ["restore_access_held", "restore_replayed"]
        with found.app.app_context():
            verify()


def test_an_app_that_was_ended_since_is_ended(shop, keeper, now, empty_store):
    with shop.app.app_context():
        service.create_client(
            "app", "App", frozenset({READ}), (), SYSTEM, now(),
            kind=ClientKind.APP, redirect_uris=("https://app.example.org/back",),
        )  # fmt: skip
    ann, bob, cem = (shop.customer() for _ in "abc")
    for each in (ann, bob, cem):
        allow(shop, each, "app")
    keeper.follow()
    now.advance(HOUR)
    with shop.app.app_context():
        grant_service.end_grant(parse_customer_id(cem), "app", now())
    keeper.follow()
    now.advance(timedelta(seconds=1))
    allow(shop, cem, "app")  # and again, just before the backup
    directory = keeper.back_up()
    now.advance(HOUR)
    with shop.app.app_context():
        grant_service.end_grant(parse_customer_id(ann), "app", now())
    keeper.follow()
    with keeper.restored(directory, empty_store) as found:
        assert live_grants(found) == 3
        assert keeper.finish(found, journal=keeper.journal).grants == 1
        ended = {r["customer_id"] for r in found.rows("customer_grants") if r["ended_at"]}
        assert ended == {parse_customer_id(ann)}


def test_where_nothing_tells_all_are_disabled(shop, keeper, now, empty_store):
    secret = make(shop, "stays")
    with shop.app.app_context():
        enrol("olga", now())
    directory = keeper.back_up()
    with keeper.restored(directory, empty_store) as found:
        done = keeper.finish(found, nothing=True, unchanged=False)
        assert done.shut
        assert not is_let_in(found, "stays", secret)
        assert standing(found) == {"olga": "disabled"}
        with found.app.app_context():
            service.change_client("stays", ClientChanges(disabled=False), SYSTEM, now())
        assert is_let_in(found, "stays", secret)


@ON_ONE_STORE
def test_staff_may_say_that_nobody_lost_a_right(shop, keeper, empty_store):
    secret = make(shop, "stays")
    directory = keeper.back_up()
    with keeper.restored(directory, empty_store) as found:
        assert not keeper.finish(found, nothing=True, unchanged=True).shut
        assert is_let_in(found, "stays", secret)
        acts = {r["reason"]: r["client_id"] for r in found.rows("ledger_entries")}
        assert acts["restore_access_unchanged"] == "olga"


@ON_ONE_STORE
def test_a_journal_that_stops_too_early_takes_what_it_tells_and_shuts_the_rest(
    shop, keeper, now, empty_store
):
    secrets = {name: make(shop, name) for name in ("stays", "disabled")}
    directory = keeper.back_up()
    now.advance(HOUR)
    with shop.app.app_context():
        service.disable_client("disabled", SYSTEM, now())
    keeper.follow()  # begins after the backup
    with keeper.restored(directory, empty_store) as found:
        done = keeper.finish(found, journal=keeper.journal, nothing=True, unchanged=True)
        assert done.held == ("client disabled",)
        assert is_let_in(found, "stays", secrets["stays"])
        assert not is_let_in(found, "disabled", secrets["disabled"])


def test_the_journal_holds_no_secret_and_is_told_only_of_changes(shop, keeper, now):
    make(shop, "first")
    with shop.app.app_context():
        enrol("olga", now())
    keeper.follow()
    for _ in range(3):
        now.advance(timedelta(minutes=2))
        keeper.follow()
    make(shop, "second")
    keeper.follow()
    now.advance(timedelta(days=1))
    keeper.follow()
    with shop.app.app_context():
        told = [line for line in read_journal(keeper.journal, keys()) if line.what == "access"]
    assert ["second" in line.about["clients"] for line in told] == [False, True, True]
    kept = repr([line.about for line in told])
    for row in shop.rows("client_secrets"):
        assert bytes(row["sha256"]).hex() not in kept
    (olga,) = shop.rows("staff")
    assert olga["password_hash"] not in kept


@ON_ONE_STORE
def test_what_could_not_be_written_is_written_later(shop, keeper, now, monkeypatch):
    monkeypatch.setattr(keeping, "_EVERY_S", 0.0)
    make(shop, "first")
    away = keeper.journal.with_name("away")

    def work():
        with shop.app.app_context():
            seal()
            return writer.work(now, keys())

    with shop.app.app_context():
        writer = keeping.Keeper(keeper.journal, runtime().settings.base_url)
    assert work() == 1
    keeper.journal.rename(away)
    keeper.journal.write_text("A disk that is gone.")
    now.advance(timedelta(seconds=20))
    with shop.app.app_context():
        service.disable_client("first", SYSTEM, now())
    shop.suppress("ann@example.org")
    for _ in range(2):
        with pytest.raises(MisconfiguredError):
            work()
    keeper.journal.unlink()
    away.rename(keeper.journal)
    assert work() > 0
    with shop.app.app_context():
        lines = list(read_journal(keeper.journal, keys()))
    assert [line.what for line in lines].count("mark") == 1
    told = [line.about["clients"]["first"] for line in lines if line.what == "access"]
    assert [one["disabled"] for one in told] == [False, True]
