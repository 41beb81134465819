"""What is past its time of consents goes, and nothing that a check or a projection rests on."""

from collections import Counter
from datetime import timedelta

import pytest

from consent_service.consents.retention import Round
from consent_service.ledger import service as ledger
from tests.support import small_catalogue

DAYS = timedelta(days=400)


@pytest.fixture
def forget(shop):
    def run():
        with shop.app.app_context():
            gone, round_ = 0, Round()
            while more := round_.forget(shop.clock()):
                gone += more
            return gone

    return run


def removed(shop):
    with shop.app.app_context():
        return ledger.count_removed()


def kinds(shop):
    return Counter(row["kind"] for row in shop.rows("consent_events"))


def test_what_ended_long_ago_goes_and_what_holds_stays(shop, forget):
    shop.load(small_catalogue.purpose("news", proof_retention_days=365))
    ann, bob = shop.customer(), shop.customer()
    shop.say(ann, "given", evidence={"form": "1"})
    shop.say(bob, "given", evidence={"form": "1"})
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "withdrawn")
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "given", evidence={"form": "2"})
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "withdrawn")
    assert forget() == 0
    shop.clock.advance(DAYS)
    before = shop.states(ann), shop.reason(ann), shop.reason(bob)
    assert forget() > 0
    assert (shop.states(ann), shop.reason(ann), shop.reason(bob)) == before
    assert kinds(shop) == {"given": 2, "withdrawn": 1}  # the last of each, and bob's
    proofs = [row["proof"] for row in shop.rows("consent_events") if row["proof"] is not None]
    assert len(proofs) == 1  # what holds is still proved
    assert [r for r in shop.rows("consent_records") if r["recorded_to"] is not None] == []
    assert removed(shop) == {"consent_events": 2, "consent_proofs": 1, "consent_records": 4}
    assert forget() == 0
    shop.say(ann, "given", captured_at=shop.at(days=-DAYS.days - 2, hours=-12))
    assert shop.reason(ann) == "withdrawn"  # an older yes lifts nothing


def test_the_log_counts_and_names_nobody(shop, forget):
    shop.load(small_catalogue.purpose("news", proof_retention_days=0))
    ann = shop.customer()
    shop.say(ann, "given")
    shop.say(ann, "withdrawn")
    shop.clock.advance(timedelta(days=1))
    assert forget() == 1
    (entry,) = [
        r for r in shop.rows("ledger_entries") if r["reason"] == "retention_consent_records"
    ]
    assert (entry["known"], entry["payload"], entry["entries"]) == (False, None, 1)
