"""Global Privacy Control: an opt-out of sale and targeted advertising."""

from datetime import timedelta

import pytest

from tests.support import small_catalogue
from tests.support.problems import UNKNOWN, assert_needs_scope, fault, without_request

BASE = "/v1/signals"


@pytest.fixture
def cara(shop):
    return shop.customer("cara@example.org", jurisdiction="US-CA")


def body(shop, customer, **changes):
    found = {"signal": "gpc", "captured_at": shop.at(), "touchpoint": "web", **changes}
    found = {"customer_id": customer, **found} if customer else found
    return {name: value for name, value in found.items() if value is not None}


def since(shop, customer):
    return shop.api.get(f"/v1/customers/{customer}").json["gpc_since"]


def test_a_signal_counts_at_the_next_check_where_data_is_sold(shop, cara):
    assert shop.reason(cara, "ads") == "not_opted_out"
    done = shop.signal(cara, captured_at=shop.at(minutes=-1))
    assert done == {"signal": "gpc", "revision": 2, "consent_token": done["consent_token"]}
    assert shop.reason(cara, "ads", at_least_as_fresh=done["consent_token"]) == "gpc"
    assert shop.reason(cara, "news") == "not_opted_out"
    assert since(shop, cara) == shop.at(minutes=-1)


def test_a_signal_keeps_legitimate_interests_away_too(shop, cara):
    shop.load(
        small_catalogue.purpose(
            "ads", channels=[], legal_basis="legitimate_interests", recipients=["broker"],
            sale_or_targeted_advertising=True,
        )
    )  # fmt: skip
    assert shop.reason(cara, "ads") == "legal_basis"
    shop.signal(cara)
    assert shop.reason(cara, "ads") == "gpc"


def test_a_signal_takes_no_explicit_yes_away(shop):
    ann = shop.customer()
    shop.say(ann, "given", "ads")
    shop.signal(ann)
    assert shop.reason(ann, "ads") == "consent_given"


def test_the_first_signal_is_the_one_that_counts(shop, cara):
    for minutes, first in ((-5, -5), (-9, -9), (-1, -9)):
        shop.signal(cara, captured_at=shop.at(minutes=minutes))
        assert since(shop, cara) == shop.at(minutes=first)
    assert shop.revision(cara) == 4


def test_a_signal_dated_ahead_counts_from_its_recording(shop, cara):
    shop.signal(cara, captured_at=shop.at(days=2))
    assert since(shop, cara) == shop.at()
    assert shop.reason(cara, "ads") == "gpc"


def test_a_signal_of_an_identifier_is_of_whoever_has_it(shop, cara):
    shop.signal("CARA@example.org")
    assert shop.reason(cara, "ads") == "gpc"


def test_a_signal_of_a_device_that_nobody_has_is_kept_for_it(shop):
    device = {"type": "device", "value": "0123456789abcdef"}
    shop.signal(device)
    assert shop.counts()["customers"] == 1
    found = shop.api.post("/v1/customers/lookup", {"identifier": device}).json["id"]
    assert since(shop, found) == shop.at()


def test_a_signal_is_logged(shop, cara):
    shop.signal(cara, captured_at=shop.at(minutes=-1))
    (entry,) = [row for row in shop.rows("ledger_entries") if row["kind"] == "consent"]
    assert (entry["reason"], entry["touchpoint"], entry["client_id"]) == ("gpc", "web", "shop")
    assert entry["known"]


def test_a_signal_is_a_fact_from_its_recording_on(shop, cara):
    shop.clock.advance(timedelta(hours=1))
    shop.signal(cara)
    before, after = shop.rows("customer_facts")
    assert (before["gpc_since"], before["recorded_to"]) == (None, after["recorded_from"])
    assert (after["gpc_since"], after["recorded_to"]) == (shop.clock(), None)


def test_what_cannot_be_meant_is_422(shop, cara):
    for changes, pointer, code in (
        ({"signal": "dnt"}, "/signal", "invalid"),
        ({"touchpoint": "moon"}, "/touchpoint", "unknown_touchpoint"),
        ({"captured_at": None}, "/captured_at", "required"),
        ({"customer_id": None}, "/customer_id", "invalid"),
        ({"purpose": "ads"}, "/purpose", "unknown_field"),
    ):
        reply = shop.api.post(BASE, body(shop, cara, **changes))
        assert fault(reply) == (pointer, code)
    assert shop.revision(cara) == 1


def test_a_signal_of_nobody_is_404(shop):
    unknown = shop.api.post(BASE, body(shop, UNKNOWN))
    nobody = shop.api.post(
        BASE, body(shop, None, identifier={"type": "email", "value": "nobody@example.org"})
    )
    assert unknown.status_code == nobody.status_code == 404
    assert without_request(unknown) == without_request(nobody)


def test_the_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "consents:write", "POST", BASE, {})
