"""A worker that is killed while it makes a package: another makes it, and nothing is left over."""

from datetime import timedelta

import pytest

from consent_service.crypto import keyring as keyrings
from consent_service.customers import keys as data_keys
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import new_uuid, parse_customer_id
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.packages import building
from consent_service.packages.model import LEASE
from consent_service.privacy_requests.jobs import site
from consent_service.web.runtime import keys
from tests.support.packages import Packing
from tests.support.processes import Command, within
from tests.support.real_shop import real_shop

ENTRIES = 6_000


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: leases are tried on both elsewhere."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def shop(settings, contract):
    """On the clock of the machine, which is the worker's."""
    with real_shop(settings, contract) as found:
        yield found


def log_much(shop, customer):
    """Answers as they stand in the log, put there at once."""
    with shop.app.app_context():
        life, now = data_keys.open_keys(customer, keys()).life, utc_now()
        ledger.append(
            [
                ledger.sealed_entry(
                    Entry(new_uuid(), customer, True, EntryKind.DECISION, now, now, "shop"),
                    {"context": {"campaign": f"c{number}"}},
                    life,
                )
                for number in range(ENTRIES)
            ]
        )


@pytest.mark.long
def test_a_killed_worker_is_followed_by_another(shop, keyring, store, tmp_path):
    keyrings.FileProvider(tmp_path / "keys.json").save(keyring)
    around = {"CONSENT_DATABASE_URL": store, "CONSENT_KEY_FILE": str(tmp_path / "keys.json")}
    packing = Packing(shop)
    ann = shop.customer("ann@example.org")
    log_much(shop, parse_customer_id(ann))
    request = packing.approved(ann)
    worker = Command("worker", environment=around)
    try:
        within(60, lambda: any(row["tries"] for row in shop.rows("packages")))
    finally:
        worker.clear()  # by SIGKILL
    ((state, left),) = [(row["state"], row["file"]) for row in shop.rows("packages")]
    assert state == "waiting"
    assert packing.build() == 0  # it is leased
    with shop.app.app_context():
        later = utc_now() + LEASE + timedelta(seconds=1)
        assert building.build(site(), lambda: later, keys()) == 1
    packing.carry_out()
    assert packing.state(request) == "done"
    assert left not in {row["file"] for row in shop.rows("package_pieces")}
    told = packing.contents(packing.fetch(request)).json["log"]
    assert sum(row["kind"] == "decision" for row in told) == ENTRIES
